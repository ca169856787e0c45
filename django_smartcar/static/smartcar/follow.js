// Keep the pages of vehicles new: follow commands that are under way until they are finished, and look
// every few seconds for what webhooks have changed. Only what has changed is replaced.
"use strict";

(function () {
  const PAUSE = 2000;
  const LONGER_PAUSE = 5000; // after a minute, or after an error
  const LIVE_PAUSE = 10000;

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
      if (news && withoutTokens(news) !== withoutTokens(part)) {
        if (part.hasAttribute("aria-live")) { // that only the time has changed is no news
          part.setAttribute("aria-live", region.dataset.smartcarFollow ? "polite" : "off");
        }
        const hadFocus = part.contains(document.activeElement);
        part.replaceChildren(...news.childNodes);
        if (hadFocus) {
          part.tabIndex = -1; // it takes the focus if it has no button or link any more
          (part.querySelector("button, a") || part).focus({ preventScroll: true });
        }
      }
    }
  }

  // Django masks the token of a form anew in each response.
  function withoutTokens(part) {
    const copy = part.cloneNode(true);
    copy.querySelectorAll("[name=csrfmiddlewaretoken]").forEach(function (field) { field.remove(); });
    return copy.innerHTML;
  }

  // Returns the fragment, or null if it cannot be had now. Throws once the car or the login is gone.
  async function load(url) {
    let response;
    try {
      response = await fetch(url, { credentials: "same-origin" });
    } catch (error) {
      return null;
    }
    if (response.status >= 500) {
      return null;
    }
    if (!response.ok || response.redirected) {
      throw new Error("the page is out of date");
    }
    return new DOMParser().parseFromString(await response.text(), "text/html");
  }

  async function follow(region) {
    const begun = Date.now();
    let isFailing = false;
    while (region.dataset.smartcarFollow) {
      await pause(isFailing || Date.now() - begun > 60000 ? LONGER_PAUSE : PAUSE);
      await visible();
      const page = await load(region.dataset.smartcarFollow);
      isFailing = page === null;
      if (isFailing) {
        continue;
      }
      const state = page.querySelector(".smartcar-state");
      if (!state) {
        return;
      }
      replaceParts(region, state);
      if (state.dataset.smartcarGone) {
        leave(state.dataset.smartcarGone); // the car's buttons are gone, too
        return;
      }
      if (state.dataset.smartcarFollow) {
        region.dataset.smartcarFollow = state.dataset.smartcarFollow;
      } else {
        delete region.dataset.smartcarFollow;
      }
    }
  }

  function leave(url) {
    if (url === window.location.pathname) {
      window.location.reload();
    } else {
      window.location.assign(url);
    }
  }

  // One request for each pause, however many lists and cards the page has.
  const lists = document.querySelectorAll("[data-smartcar-live]");

  async function watch(container) {
    for (;;) {
      await pause(LIVE_PAUSE * lists.length);
      await visible();
      const page = await load(container.dataset.smartcarLive);
      for (const state of page ? page.querySelectorAll(".smartcar-state") : []) {
        const key = state.dataset.smartcarVehicle;
        const region = container.querySelector(`.smartcar-state[data-smartcar-vehicle="${key}"]`);
        if (region) {
          replaceParts(region, state);
          if (state.dataset.smartcarFollow && !region.dataset.smartcarFollow) {
            region.dataset.smartcarFollow = state.dataset.smartcarFollow;
            start(follow, region);
          }
        }
      }
    }
  }

  function start(keep, element) {
    keep(element).catch(function () {}); // the car is gone, or the user has logged out
  }

  document.querySelectorAll("[data-smartcar-follow]").forEach(function (region) { start(follow, region); });
  lists.forEach(function (list) { start(watch, list); });

  // The page loads again after an action: the focus returns to its button or link.
  const FOCUSED = "smartcar-focused";

  function remember(element, attribute) {
    sessionStorage.setItem(FOCUSED, element.getAttribute(attribute));
  }

  document.addEventListener("submit", function (event) { remember(event.target, "action"); });
  document.addEventListener("click", function (event) {
    const link = event.target.closest(".smartcar-actions a");
    if (link) {
      remember(link, "href");
    }
  });

  const last = sessionStorage.getItem(FOCUSED);
  sessionStorage.removeItem(FOCUSED);
  for (const element of last ? document.querySelectorAll(".smartcar-card form, .smartcar-actions a") : []) {
    if (last === (element.getAttribute("action") || element.getAttribute("href"))) {
      (element.querySelector("[type=submit]") || element).focus({ preventScroll: true });
    }
  }
})();
