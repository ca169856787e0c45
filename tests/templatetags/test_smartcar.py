from datetime import timedelta

from django.template import Context, Template, engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone, translation


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
