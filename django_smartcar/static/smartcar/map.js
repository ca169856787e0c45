// Draw the maps of a page with Leaflet, around the places that the page lists. On the map for a
// destination, a click chooses a place; with the keyboard, the button for the middle of the map does.
"use strict";

(function () {
  const WORLD = 2;
  const STREETS = 15;
  const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  function draw(box) {
    box.hidden = false;
    if (box.closest(".smartcar-map-card")) {
      box.closest(".smartcar-map-card").hidden = false;
    }
    const map = L.map(box, {
      attributionControl: false,
      zoomControl: false,
      scrollWheelZoom: false, // the page scrolls over the map
      inertia: !isCalm,
      fadeAnimation: !isCalm,
      zoomAnimation: !isCalm,
    });
    L.control.zoom({ zoomInTitle: box.dataset.zoomIn, zoomOutTitle: box.dataset.zoomOut }).addTo(map);
    L.control.attribution({ prefix: false }).addTo(map);
    // Tile servers ask for the origin of the site. They never get the address of the page.
    const options = { attribution: box.dataset.attribution, maxZoom: 19, referrerPolicy: "origin" };
    L.tileLayer(box.dataset.smartcarMap, options).addTo(map);
    return map;
  }

  function pin(at, kind, name) {
    const icon = L.divIcon({ className: `smartcar-pin ${kind}`, iconSize: [20, 20] });
    return L.marker(at, { icon: icon, title: name, interactive: Boolean(name), keyboard: false });
  }

  // Show the places in the element, and follow them when the page replaces them.
  function showPlaces(map, list) {
    const pins = L.layerGroup().addTo(map);
    let shown = null;
    function update() {
      const elements = [...list.querySelectorAll("[data-smartcar-place]")];
      const places = elements.map(function (element) { return element.dataset.smartcarPlace; });
      if (places.join(" ") === shown) {
        return;
      }
      shown = places.join(" ");
      pins.clearLayers();
      const corners = places.map(function (place) { return place.split(",").map(Number); });
      corners.forEach(function (at, number) {
        const name = elements[number].dataset.smartcarName;
        const marker = pin(at, "car", name).addTo(pins);
        if (name) {
          const text = document.createElement("div");
          text.append(...elements[number].cloneNode(true).childNodes);
          marker.bindPopup(text, { closeButton: false, maxWidth: 200, autoPanPaddingTopLeft: [64, 8] });
        }
      });
      if (corners.length) {
        map.fitBounds(corners, { maxZoom: STREETS, animate: false, padding: [24, 24] });
      } else {
        map.setView([20, 0], WORLD);
      }
    }
    update();
    new MutationObserver(update).observe(list, { childList: true, subtree: true });
  }

  function letChoose(map, box) {
    const section = box.closest("section");
    const details = section.querySelector("details");
    const fields = details.querySelector("form").elements;
    const tools = section.querySelector(".smartcar-map-tools");
    const marker = pin([0, 0], "destination");
    function choose(place) {
      const at = place.wrap();
      fields.namedItem("latitude").value = at.lat.toFixed(5);
      fields.namedItem("longitude").value = at.lng.toFixed(5);
      marker.setLatLng(place).addTo(map);
      details.open = true;
      tools.querySelector("[role=status]").textContent = box.dataset.chosen;
    }
    map.on("click", function (event) { choose(event.latlng); });
    tools.hidden = false;
    tools.querySelector("button").addEventListener("click", function () { choose(map.getCenter()); });
  }

  for (const box of document.querySelectorAll("[data-smartcar-map]")) {
    const map = draw(box);
    showPlaces(map, document.querySelector(box.dataset.places));
    if (box.dataset.chosen) {
      letChoose(map, box);
    }
  }
})();
