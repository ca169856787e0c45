// Show a slider beside the number of the charge limit. Each follows the other.
"use strict";

for (const slider of document.querySelectorAll(".smartcar-slider")) {
  const number = slider.form.elements.namedItem("limit");
  slider.value = number.value || "80";
  slider.hidden = false;
  slider.addEventListener("input", function () { number.value = slider.value; });
  number.addEventListener("input", function () { slider.value = number.value; });
}
