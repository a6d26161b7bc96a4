// What the page can do beyond links and forms: keys, hits by words while one types, and a brush over the timeline.
const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const query = $("#q");
const TYPING = 120; // milliseconds without a key

// Hits by words, as one types. What stands in the address stays; Enter asks for all of it.
let waiting = 0;
let asking = null;
const shown = { of: query?.value ?? "" };

async function ask() {
  const text = query.value;
  if (text === shown.of || text.trim().length < 2) return;
  asking?.abort();
  asking = new AbortController();
  const fields = new URLSearchParams(new FormData(query.form));
  fields.set("mode", "keyword");
  fields.set("part", "hits");
  try {
    const answer = await fetch(`/?${fields}`, { signal: asking.signal });
    if (!answer.ok) return; // half a query is no mistake
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("hits");
    const old = $("#hits");
    if (fresh && old) {
      old.replaceWith(document.adoptNode(fresh));
      shown.of = text;
      at = -1;
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

query?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(ask, TYPING);
});
const place = Number(query?.dataset.position ?? NaN);
if (!Number.isNaN(place)) {
  query.focus();
  query.setSelectionRange(place, place + 1);
}

// Keys.
let at = -1;
let mark = -1;

function go(step) {
  const hits = all("[data-hit]");
  if (!hits.length) return;
  hits[at]?.classList.remove("at");
  at = Math.min(Math.max(at + step, 0), hits.length - 1);
  hits[at].classList.add("at");
  $("h3 a", hits[at]).focus();
}

function toMark(step) {
  const marks = all("#article mark");
  if (!marks.length) return;
  marks[mark]?.classList.remove("at");
  mark = (mark + step + marks.length) % marks.length;
  marks[mark].classList.add("at");
  marks[mark].scrollIntoView({ block: "center" });
}

const keys = {
  "/": () => { query?.focus(); query?.select(); },
  j: () => go(1),
  k: () => go(-1),
  o: () => $(".hit.at h3 a")?.click(),
  n: () => toMark(1),
  p: () => toMark(-1),
  e: () => $(".why")?.click(),
  Escape: () => $("#article .close")?.click(),
  "?": () => $("#keys").showModal(),
};

addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog");
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing) {
    if (event.key === "Escape" && event.target === query) query.blur();
    return;
  }
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

const open = all("[data-hit]").findIndex((hit) => hit.classList.contains("open"));
if (open >= 0) {
  at = open;
  $("#article")?.focus({ preventScroll: true });
}

// A brush over the timeline: from the period where it goes down to the one where it goes up.
const chart = $("[data-brush]");
if (chart) {
  const grounds = all("rect", chart);
  let first = -1;
  let last = -1;
  const under = (event) => {
    const box = chart.getBoundingClientRect();
    const number = Math.floor(((event.clientX - box.left) / box.width) * grounds.length);
    return Math.min(Math.max(number, 0), grounds.length - 1);
  };
  const draw = () => {
    const [low, high] = [Math.min(first, last), Math.max(first, last)];
    grounds.forEach((ground, number) => ground.classList.toggle("chosen", first >= 0 && number >= low && number <= high));
  };
  chart.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    first = last = under(event);
    chart.setPointerCapture(event.pointerId);
    draw();
  });
  chart.addEventListener("pointermove", (event) => {
    if (first < 0) return;
    last = under(event);
    draw();
  });
  chart.addEventListener("pointercancel", () => { first = -1; draw(); });
  chart.addEventListener("pointerup", () => {
    const [low, high] = [Math.min(first, last), Math.max(first, last)];
    if (first < 0) return;
    first = -1;
    if (low === high) { // as a click on the bar
      draw();
      const link = grounds[low].closest("a");
      if (link?.hasAttribute("href")) location.href = link.getAttribute("href");
      return;
    }
    const form = query.form;
    form.elements.from.value = grounds[low].dataset.days.split(" ")[0];
    form.elements.to.value = grounds[high].dataset.days.split(" ")[1];
    form.requestSubmit();
  });
  chart.addEventListener("click", (event) => event.preventDefault()); // the pointer has said it
  chart.addEventListener("dragstart", (event) => event.preventDefault());
}
