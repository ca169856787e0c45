// A minimal browser for the Connect pages: submit forms by the id of a button, follow redirects.
// And a guard: from now on, a request to any other host than the simulator's fails.
'use strict';

const ORIGIN = process.env.SIMULATOR_ORIGIN;
const send = globalThis.fetch;

globalThis.fetch = (request, options) => {
  const url = String(request.url ?? request);
  if (!url.startsWith(`${ORIGIN}/`)) {
    throw new Error(`a request was sent to ${url}`);
  }
  return send(request, options);
};

const ENTITIES = {'&#x27;': "'", '&#39;': "'", '&quot;': '"', '&lt;': '<', '&gt;': '>', '&amp;': '&'};
const unescape = (text) => text.replace(/&[#\w]+;/g, (entity) => ENTITIES[entity] ?? entity);

const attributesOf = (tag) => {
  const found = [...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].slice(1);
  return Object.fromEntries(found.map(([, name, value]) => [name, unescape(value ?? '')]));
};

class Browser {
  constructor() {
    this.cookies = {};
  }

  // Open a page. Return the URL outside of the simulator that a redirect led to, or null.
  async open(url, options = {}) {
    const cookie = Object.entries(this.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {redirect: 'manual', ...options, headers: {cookie}});
    for (const set of response.headers.getSetCookie()) {
      const [name, value] = set.split(';')[0].split('=');
      this.cookies[name] = value;
    }
    const location = response.headers.get('location');
    if (location === null) {
      this.url = url;
      this.page = await response.text();
      return null;
    }
    const target = new URL(location, url).href;
    return target.startsWith(`${ORIGIN}/`) ? this.open(target) : target;
  }

  // Press a button: submit its form with these fields filled in.
  async press(button, fields = {}) {
    const form = this.page.match(/<form[\s\S]*?<\/form>/g).find((one) => one.includes(`id="${button}"`));
    if (form === undefined) {
      throw new Error(`${this.url} has no button ${button}`);
    }
    const data = new URLSearchParams();
    for (const tag of form.match(/<(?:input|button)\b[^>]*>/g)) {
      const {name, type, value, id, ...rest} = attributesOf(tag);
      const isBox = type === 'checkbox' || type === 'radio';
      const isFilledIn = !('disabled' in rest) && (!isBox || 'checked' in rest);
      const isSent = tag.startsWith('<button') ? id === button : isFilledIn;
      if (name && isSent && !(name in fields)) {
        data.append(name, isBox ? value || 'on' : value ?? '');
      }
    }
    Object.entries(fields).forEach(([name, value]) => data.append(name, value));
    const {action} = attributesOf(form.match(/<form[^>]*>/)[0]);
    return this.open(new URL(action || this.url, this.url).href, {method: 'POST', body: data});
  }

  // Go through all of Connect. Return the parameters of the redirect to the application.
  async connect(url, email, make = 'CHEVROLET') {
    await this.open(url);
    await this.press('continue-button');
    if (this.page.includes(`id="${make}"`)) {
      await this.press(make);
    }
    const landed = await this.press('sign-in-button', {username: email, password: 'any'})
      ?? await this.press('approval-button');
    return Object.fromEntries(new URL(landed).searchParams);
  }
}

module.exports = {Browser};
