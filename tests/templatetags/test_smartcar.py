from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template, engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone, translation

from django_smartcar.services import readings


def render(tag, **context):
    request = RequestFactory().get("/")
    template = engines["django"].from_string("{% load smartcar %}" + tag)
    return template.render(context, request)


def test_the_button_is_a_post_form_without_javascript():
    html = render("{% smartcar_connect_button %}")
    assert '<form method="post" action="/cars/connect/"' in html
    assert 'name="csrfmiddlewaretoken"' in html
    assert '<button type="submit">Connect your car</button>' in html
    assert "<script" not in html
    assert "onclick" not in html


def test_label_make_next_and_css_class_are_arguments():
    html = render(
        '{% smartcar_connect_button "Add my Tesla" make="TESLA" next="/garage/" css_class="btn big" '
        "single_select=True %}"
    )
    assert '<button type="submit" class="btn big">Add my Tesla</button>' in html
    assert '<input type="hidden" name="make" value="TESLA">' in html
    assert '<input type="hidden" name="next" value="/garage/">' in html
    assert '<input type="hidden" name="single_select" value="1">' in html


def test_arguments_are_escaped():
    html = render("{% smartcar_connect_button label next=label %}", label='"><script>alert(1)</script>')
    assert "<script>" not in html


def test_the_label_is_translated():
    with translation.override("de"):
        assert "Auto verbinden" in render("{% smartcar_connect_button %}")


def test_the_template_can_be_overridden(settings, tmp_path):
    (tmp_path / "smartcar").mkdir()
    (tmp_path / "smartcar" / "connect_button.html").write_text("my own {{ label }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert render("{% smartcar_connect_button %}") == "my own Connect your car"


def test_the_button_works_without_a_request():
    html = Template("{% load smartcar %}{% smartcar_connect_button %}").render(Context())
    assert "Connect your car" in html
    assert render_to_string("smartcar/connect_button.html", {"label": "x"})


def test_ago_formats_how_long_ago_a_time_was():
    now = timezone.now()
    assert render("{{ moment|ago }}", moment=now - timedelta(seconds=30)) == "just now"
    assert render("{{ moment|ago }}", moment=now - timedelta(minutes=31)) == "31\xa0minutes ago"


class TestSignal:
    """`smartcar_signal` shows the latest value of a signal, and a position to the car's own user only."""

    PLACE = (
        '{% smartcar_signal car "location" as place %}'
        "{% if place %}{{ place.latitude|floatformat:4 }}{% endif %}"
    )

    @pytest.fixture
    def car(self, make_vehicle, account):
        car = make_vehicle(account, permissions=["read_battery", "read_location", "read_vin", "read_tires"])
        for name, value, unit in (
            ("battery_level", 0.68, "fraction"),
            ("battery_range", 160.9344, "km"),
            ("location", {"latitude": 37.4292, "longitude": 122.1381}, ""),
            ("vin", "0SCAUDI037A5ADB1C", ""),
        ):
            readings.save(car, name, value, unit)
        return car

    def show(self, tag, car, user):
        request = RequestFactory().get("/")
        request.user = user
        template = engines["django"].from_string("{% load smartcar l10n %}" + tag)
        return template.render({"car": car}, request)

    def test_a_value_is_in_the_units_of_the_vehicle(self, car, anna):
        assert self.show('{% smartcar_signal car "battery_level" %}', car, anna) == "0.68"
        car.unit_system = "imperial"
        assert self.show('{% smartcar_signal car "battery_range" %}', car, anna) == "100.0"

    def test_without_a_value_it_is_none(self, car, anna):
        assert self.show('{% smartcar_signal car "tires" %}', car, anna) == "None"

    def test_a_position_and_a_vin_are_shown_to_the_owner_only(self, car, anna, bert, admin_user):
        assert self.show(self.PLACE, car, anna) == "37.4292"
        for user in (bert, admin_user, AnonymousUser()):
            assert self.show(self.PLACE, car, user) == ""
            assert self.show('{% smartcar_signal car "vin" %}', car, user) == "None"
            assert self.show('{% smartcar_signal car "battery_level" %}', car, user) == "0.68"
        template = engines["django"].from_string("{% load smartcar %}" + self.PLACE)
        assert template.render({"car": car}) == "", "without a request"

    def test_a_signal_that_is_no_longer_granted_is_not_shown(self, car, anna):
        car.permissions = ["read_battery"]
        assert self.show(self.PLACE, car, anna) == ""

    def test_nothing_of_a_disconnected_vehicle_is_shown(self, car, anna, admin_user):
        car.disconnected_at = timezone.now()
        for user in (anna, admin_user):
            assert self.show(self.PLACE, car, user) == ""
            assert self.show('{% smartcar_signal car "battery_level" %}', car, user) == "None"

    def test_many_vehicles_take_no_query_each(self, car, anna, django_assert_num_queries):
        (prefetched,) = type(car).objects.prefetch_related("signal_states")
        with django_assert_num_queries(0):
            self.show('{% smartcar_signal car "battery_level" %}', prefetched, anna)


class TestCard:
    """`smartcar_vehicle_card` shows a card on any page, to the car's own user only."""

    @pytest.fixture
    def car(self, make_vehicle, account):
        car = make_vehicle(account, permissions=["read_battery", "control_security"])
        readings.save(car, "battery_level", 0.68, "fraction")
        return car

    def show(self, car, user):
        request = RequestFactory().get("/garage/?sort=name")
        request.user = user
        template = engines["django"].from_string("{% load smartcar %}{% smartcar_vehicle_card car %}")
        return template.render({"car": car}, request)

    def test_the_owner_sees_the_card_whose_buttons_lead_back(self, car, anna, django_assert_num_queries):
        with django_assert_num_queries(4):
            html = self.show(car, anna)
        assert "<strong>68&nbsp;%</strong>" in html
        assert f'action="/cars/{car.pk}/lock/"' in html
        assert 'name="csrfmiddlewaretoken"' in html
        assert 'name="next" value="/garage/?sort=name"' in html
        live = f'data-smartcar-live="/cars/{car.pk}/state/?next=/garage/%3Fsort%3Dname"'
        assert live in html, "the script keeps it new"

    def test_nobody_else_sees_anything(self, car, bert, admin_user):
        for user in (bert, admin_user, AnonymousUser()):
            assert self.show(car, user) == ""
        template = Template("{% load smartcar %}{% smartcar_vehicle_card car %}")
        assert template.render(Context({"car": car})) == ""

    def test_a_disconnected_car_has_no_button_and_no_value(self, car, anna):
        car.disconnected_at = timezone.now()
        car.save()
        html = self.show(car, anna)
        assert "<strong>" not in html
        assert "<form" not in html
        assert "Bolt" in html
