// Refreshes the page where it stands: only what changed is changed, so that scroll, focus and selection stay.
"use strict";

const every = 5000;
const box = document.getElementById("refresh");
const trouble = document.getElementById("trouble");
const remembered = "refresh"; // in this tab, so that turning the page does not turn it on again

box.parentElement.hidden = false;
try {
  box.checked = sessionStorage.getItem(remembered) !== "off";
} catch { /* storage is switched off */ }
box.addEventListener("change", () => {
  try {
    sessionStorage.setItem(remembered, box.checked ? "on" : "off");
  } catch { /* storage is switched off */ }
});

// Ids are copied by a click. Without the clipboard, which only safe origins have, the id is selected, to be copied by hand.
document.documentElement.classList.add("scripted");
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".copy");
  if (!button) return;
  const id = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(id.textContent);
    said(button, "copied");
  } catch {
    getSelection().selectAllChildren(id);
    said(button, "selected");
  }
});

// said shows for a moment what a button has done.
function said(button, word) {
  button.textContent = word;
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}

// patch makes an element like another one, keeping its nodes; rows are told apart by their key.
function patch(old, now) {
  if (old.isEqualNode(now)) return;
  for (const { name, value } of now.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (name === "open") continue; // what is unfolded stays so
    if (!now.hasAttribute(name)) old.removeAttribute(name);
  }
  const keyed = new Map();
  for (const child of old.children) {
    if (child.dataset?.key !== undefined) keyed.set(child.dataset.key, child);
  }
  let at = old.firstChild;
  for (const child of [...now.childNodes]) {
    const key = child.dataset?.key;
    const same = key !== undefined ? keyed.get(key) : like(at, child) ? at : undefined;
    if (!same) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    if (same.nodeType === Node.ELEMENT_NODE) patch(same, child);
    else if (same.data !== child.data) same.data = child.data;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function like(a, b) {
  return a && a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.dataset?.key === undefined;
}

// standing remembers where the rows in sight are, and returns what scrolls most of them back there. What is at the top of the
// page stays in sight if nothing was scrolled.
function standing() {
  const top = (row) => row.getBoundingClientRect().top;
  const rows = scrollY === 0 ? [] : [...document.querySelectorAll("[data-key]")].filter((row) => {
    const { bottom, top } = row.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }).map((row) => [row, top(row)]);
  return () => {
    const shifts = rows.filter(([row]) => row.isConnected).map(([row, was]) => top(row) - was).sort((a, b) => a - b);
    if (shifts.length > 0) scrollBy(0, shifts[shifts.length >> 1]);
  };
}

function show(page) {
  const restore = standing();
  const focused = document.activeElement;
  const region = focused?.closest("[data-live]");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = page.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!now) continue;
    if (now.nodeName === old.nodeName) patch(old, now);
    else old.replaceWith(document.importNode(now, true));
  }
  restore();
  if (document.activeElement === focused) return;
  const target = focused.isConnected ? focused : region?.querySelector("a");
  target?.focus({ preventScroll: true });
}

async function refresh() {
  const selecting = document.getSelection()?.type === "Range";
  if (!box.checked || document.hidden || selecting) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(every * 2) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    trouble.textContent = "";
  } catch {
    trouble.textContent = "Can’t be refreshed at the moment; this is what was known last.";
  }
}

(async () => {
  for (;;) {
    await new Promise((wake) => setTimeout(wake, every));
    await refresh();
  }
})();
