// Asks for the page every few seconds and changes what has changed, element by element: focus,
// reading position, what is unfolded and what is being typed stay. Nothing is asked for while the
// tab is hidden. Without this script the page reloads itself.
"use strict";
const EVERY = 5000;
const shown = document.getElementById("page");
const lost = document.getElementById("lost");
const news = document.getElementById("news");
let etag = "";
let since = null; // when the monitor stopped answering
let timer = 0;
let asking = null; // the question under way

function touched(field) {
  if (field.localName !== "select") return field.type !== "hidden" && field.value !== field.defaultValue;
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(first, 0);
}

// Whether somebody is at work in it: it has the focus, or something was typed.
const inUse = (node) =>
  node.nodeType === Node.ELEMENT_NODE &&
  (node.contains(document.activeElement) ||
    [...node.querySelectorAll("input, textarea, select")].some(touched));

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    const kept = name === "open" && old.localName === "details";
    if (!kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    const kept =
      (name === "open" && old.localName === "details") ||
      (name === "value" && old.localName === "input" && old.type !== "hidden") ||
      (name === "selected" && old.localName === "option");
    if (!kept && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

const alike = (a, b) => a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  attributes(old, fresh);
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    let found = next;
    while (found && !alike(found, child)) found = found.nextSibling;
    if (!found || (found !== next && !child.id)) {
      old.insertBefore(document.importNode(child, true), next);
      if (next && !next.id && next.nodeName === child.nodeName) next = discard(next);
      continue;
    }
    // What is in use stays where it is and others move: moving it would take its focus.
    if (found !== next && !inUse(found)) {
      old.insertBefore(found, next);
    } else {
      while (found !== next) {
        const passed = next;
        next = passed.nextSibling;
        if (passed.id) old.appendChild(passed);
        else discard(passed);
      }
      next = found.nextSibling;
    }
    morph(found, child);
  }
  while (next) next = discard(next);
}

function discard(node) {
  const next = node.nextSibling;
  if (!inUse(node)) node.remove();
  return next;
}

function moment(at) {
  return at.toISOString().slice(0, 16).replace("T", " ") + " UTC";
}

function asOf(text) {
  const place = document.querySelector("#as-of time");
  const at = new Date(text || NaN);
  if (!place || Number.isNaN(at.getTime())) return;
  place.dateTime = text;
  place.textContent = moment(at);
}

function take(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const page = fresh.getElementById("page");
  if (!page) throw new Error("that is not the page");
  const before = document.getElementById("headline").textContent;
  morph(shown, page);
  if (document.title !== fresh.title) document.title = fresh.title;
  const after = document.getElementById("headline").textContent;
  if (after !== before) news.textContent = after; // for who hears the page
}

async function refresh() {
  asking?.abort();
  const mine = (asking = new AbortController());
  const late = setTimeout(() => mine.abort("late"), 15000);
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch(location.href.split("#")[0], {
      cache: "no-store", headers, signal: mine.signal,
    });
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(String(answer.status));
      take(await answer.text());
      etag = answer.headers.get("ETag") || "";
    }
    asOf(answer.headers.get("X-Monitor-At"));
    if (since) news.textContent = "The connection is back.";
    since = null;
    lost.textContent = "";
  } catch (error) {
    if (mine.signal.reason !== undefined && mine.signal.reason !== "late") return;
    since = since || new Date();
    const words = `Connection lost since ${moment(since)}: this is what the monitor said last.`;
    if (lost.textContent !== words) lost.textContent = words;
  } finally {
    clearTimeout(late);
    if (asking === mine) plan();
  }
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, EVERY);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) refresh();
});

// The filter works as it is typed; the address says what is shown, for a reload and a bookmark.
let typing = 0;
function filter(field) {
  const wanted = field.value.trim();
  const address = new URL(location.href);
  if (wanted) address.searchParams.set("q", wanted);
  else address.searchParams.delete("q");
  if (address.href !== location.href) history.replaceState(null, "", address);
  refresh();
}
document.addEventListener("input", (event) => {
  if (event.target.id !== "filter") return;
  clearTimeout(typing);
  typing = setTimeout(filter, 200, event.target);
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".filter")) return;
  event.preventDefault();
  filter(document.getElementById("filter"));
});

plan();
