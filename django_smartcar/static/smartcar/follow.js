// Follow the commands that are under way on the page "Your cars": replace what has changed, until they are finished.
"use strict";

(function () {
  const PAUSE = 2000;
  const LONGER_PAUSE = 5000; // after a minute, or after an error

  function pause(milliseconds) {
    return new Promise(function (resolve) { setTimeout(resolve, milliseconds); });
  }

  function visible() {
    return new Promise(function (resolve) {
      if (!document.hidden) {
        resolve();
        return;
      }
      document.addEventListener("visibilitychange", resolve, { once: true });
    });
  }

  function replaceParts(region, state) {
    for (const part of region.querySelectorAll("[data-smartcar-part]")) {
      const name = part.dataset.smartcarPart;
      const news = state.querySelector(`[data-smartcar-part="${name}"]`);
      if (news && news.innerHTML !== part.innerHTML) {
        part.replaceChildren(...news.childNodes);
      }
    }
  }

  async function follow(region) {
    const begun = Date.now();
    let isFailing = false;
    while (region.dataset.smartcarFollow) {
      await pause(isFailing || Date.now() - begun > 60000 ? LONGER_PAUSE : PAUSE);
      await visible();
      let response;
      try {
        response = await fetch(region.dataset.smartcarFollow, { credentials: "same-origin" });
        isFailing = response.status >= 500;
      } catch (error) {
        isFailing = true;
      }
      if (isFailing) {
        continue;
      }
      if (!response.ok || response.redirected) {
        return; // the car is gone, or the user has logged out
      }
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const state = page.querySelector(".smartcar-state");
      if (!state) {
        return;
      }
      replaceParts(region, state);
      if (state.hasAttribute("data-smartcar-gone")) {
        window.location.reload(); // its buttons are gone, too
        return;
      }
      if (state.dataset.smartcarFollow) {
        region.dataset.smartcarFollow = state.dataset.smartcarFollow;
      } else {
        delete region.dataset.smartcarFollow;
      }
    }
  }

  document.querySelectorAll("[data-smartcar-follow]").forEach(follow);
})();
