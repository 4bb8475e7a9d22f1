// Puts a fresh page in place of the old one, so that reading position and open details stay.
// Without this script the page reloads itself.
"use strict";
const EVERY = 15000;

async function refresh() {
  if (document.hidden || String(document.getSelection())) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const page = fresh.getElementById("page");
  for (const old of document.querySelectorAll("details[id]")) {
    const now = page.querySelector(`#${CSS.escape(old.id)}`);
    if (now) now.open = old.open;
  }
  document.title = fresh.title;
  document.getElementById("page").replaceWith(page);
  document.body.classList.remove("lost");
}

setInterval(() => refresh().catch(() => document.body.classList.add("lost")), EVERY);
