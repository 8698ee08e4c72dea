"use strict";
// The list of sounds: search, filters, order, keys, and one player for all of them.
const list = document.querySelector(".sounds");
if (list) {
  const sounds = [...list.children];
  const keys = new Map(sounds.map((sound) => [sound, JSON.parse(sound.dataset.keys)]));
  const filters = [...document.querySelectorAll("[data-filter]")];
  const [search, order, reverse, count, player] = ["search", "order", "reverse", "count", "player"].map((id) =>
    document.getElementById(id));
  let current = null;

  const shown = () => [...list.children].filter((sound) => !sound.hidden);
  const valueOf = (sound) => (order.value === "name" ? sound.dataset.name : keys.get(sound)[order.value]);

  function compare(one, other) {
    const [a, b] = [valueOf(one), valueOf(other)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  }

  function update() {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const sound of sounds) {
      const text = sound.querySelector(".facts").textContent.toLowerCase();
      sound.hidden = !words.every((word) => text.includes(word)) ||
        review?.isHidden(sound) || filters.some((filter) => filter.value && keys.get(sound)[filter.dataset.filter] !== filter.value);
    }
    const sorted = order.value ? [...sounds].sort(compare) : [...sounds];
    list.append(...(reverse.checked ? sorted.reverse() : sorted));
    count.value = `${shown().length} of ${sounds.length} clips`;
  }

  const slider = (media) => media.querySelector("input[type=range]");

  function load(media) {
    if (current === media) return;
    player.pause();
    current = media;
    player.src = "data:audio/mpeg;base64," + media.querySelector(".play").dataset.audio;
  }

  function play(media) {
    if (!media?.querySelector(".play")) return;
    load(media);
    // Another sound may be chosen before this one begins: then its promise fails.
    if (player.paused) player.play().catch(() => {});
    else player.pause();
  }

  function follow() {
    for (const button of list.querySelectorAll(".play.on")) button.classList.remove("on");
    if (player.paused) return;
    current.querySelector(".play").classList.add("on");
    slider(current).value = player.currentTime / player.duration || 0;
    requestAnimationFrame(follow);
  }

  function move(step) {
    const visible = shown();
    const next = visible.indexOf(document.activeElement.closest(".sound")) + step;
    const sound = visible[Math.max(0, Math.min(next, visible.length - 1))];
    if (sound) sound.focus();
  }

  list.addEventListener("click", (event) => {
    if (event.target.matches(".play")) play(event.target.closest(".media"));
  });
  list.addEventListener("input", (event) => {
    if (event.target.type !== "range") return;
    load(event.target.closest(".media"));
    const seek = () => (player.currentTime = event.target.value * player.duration);
    if (player.readyState) seek();
    else player.addEventListener("loadedmetadata", seek, { once: true });
  });
  for (const name of ["play", "pause"]) player.addEventListener(name, follow);
  player.addEventListener("ended", () => (slider(current).value = 0));
  for (const control of [search, order, reverse, ...filters]) control.addEventListener("input", update);
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input:not([type=range]), select")) return;
    const sound = target.closest(".sound");
    if (event.key === "/") search.focus();
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === " " && sound && !target.closest("button")) play(sound.querySelector(".media"));
    else if (event.repeat || !review?.press(event.key, sound)) return; // a key held down decides once
    event.preventDefault();
  });
  const review = list.dataset.review && startReview(JSON.parse(list.dataset.review), { list, keys, filters, update, shown, play });
  update();
}

// Decisions on labels: kept in the browser, by the data's hash, and saved as a file of corrections.
function startReview({ hash, file }, { list, keys, filters, update, shown, play }) {
  const sounds = [...list.children];
  const classes = new Set([...document.getElementById("classes").options].map((option) => option.value));
  const [left, undo, save, progress] = ["left", "undo", "save", "progress"].map((id) => document.getElementById(id));
  const given = (sound) => keys.get(sound)["given label"];
  const done = [];
  let kept = true;
  let decisions = {};
  let saved = "";

  // Other pages of the same data share what is kept, so it is read before each change.
  // Once it cannot be written, it is older than what is here.
  function read() {
    if (!kept) return;
    try {
      ({ decisions, saved } = JSON.parse(localStorage.getItem(hash)) || { decisions, saved });
    } catch {
      kept = false;
    }
  }

  function keep() {
    try {
      localStorage.setItem(hash, JSON.stringify({ decisions, saved }));
    } catch {
      kept = false;
    }
    show();
  }

  function decided(sound) {
    const decision = decisions[sound.dataset.name];
    return decision?.previous_label === given(sound) ? decision : undefined;
  }

  function show() {
    const counts = { right: 0, wrong: 0, unsure: 0 };
    for (const sound of sounds) {
      const decision = decided(sound);
      if (decision) counts[decision.decision] += 1;
      const text = decision?.decision === "wrong" ? `wrong: ${decision.label}` : decision?.decision || "";
      sound.classList.toggle("decided", !!decision);
      sound.querySelector(".decision output").value = text;
    }
    for (const option of filters.flatMap((filter) => [...filter.options].slice(1))) {
      const heading = option.parentElement.dataset.filter;
      const open = sounds.filter((sound) => keys.get(sound)[heading] === option.value && !decided(sound));
      option.textContent = `${option.value} (${open.length} left)`;
    }
    const unsaved = Object.values(decisions).filter((decision) => decision.time > saved).length;
    progress.value = `${counts.right} right, ${counts.wrong} wrong, ${counts.unsure} unsure; ${unsaved} not saved.` +
      (kept ? "" : " This browser keeps nothing: save before you leave.");
    if (left.checked) update();
  }

  function change(name, decision) {
    read();
    done.push([name, decisions[name]]);
    if (decision) decisions[name] = decision;
    else delete decisions[name];
    keep();
  }

  function decide(sound, decision, label) {
    const time = new Date().toISOString();
    const visible = shown();
    const next = visible[visible.indexOf(sound) + 1];
    change(sound.dataset.name, { label, decision, previous_label: given(sound), time });
    sound.querySelector(".decision .label").value = "";
    (next || (sound.hidden ? shown()[0] : sound))?.focus();
  }

  function choose(sound, label) {
    if (label === given(sound)) decide(sound, "right", label);
    else if (classes.has(label)) decide(sound, "wrong", label);
    else sound.querySelector(".decision output").value = `${label} is no class. If none is right, the clip can be left out.`;
  }

  function takeBack() {
    const last = done.pop();
    if (!last) return;
    const [name, before] = last;
    // The latest decision counts, so an earlier one is made anew.
    change(name, before && { ...before, time: new Date().toISOString() });
    done.pop();
    const sound = sounds.find((one) => one.dataset.name === name);
    update();
    sound.focus();
  }

  function download() {
    const cell = (text) => `"${text.replaceAll('"', '""')}"`;
    const columns = ["clip", "label", "decision", "previous_label", "time"];
    read();
    const rows = Object.entries(decisions).map(([clip, decision]) => columns.map((name) => cell({ clip, ...decision }[name])));
    const link = document.createElement("a");
    link.download = file;
    link.href = "data:text/csv;charset=utf-8," + encodeURIComponent([columns, ...rows].map((row) => `${row.join()}\n`).join(""));
    link.click();
    saved = new Date().toISOString();
    keep();
  }

  for (const place of list.querySelectorAll(".compare")) {
    const reference = [...document.getElementById("references").content.children].find(
      (one) => one.dataset.name === place.dataset.reference);
    place.append(reference.firstElementChild.cloneNode(true));
  }
  list.addEventListener("click", ({ target }) => {
    const [sound, button] = [target.closest(".sound"), target.closest("button")];
    if (button?.dataset.decision) decide(sound, button.dataset.decision, given(sound));
    else if (button?.dataset.label) choose(sound, button.dataset.label);
  });
  list.addEventListener("keydown", (event) => {
    if (event.target.matches(".label") && event.key === "Enter") choose(event.target.closest(".sound"), event.target.value);
    else if (event.target.matches(".label") && event.key === "Escape") event.target.closest(".sound").focus();
  });
  undo.addEventListener("click", takeBack);
  save.addEventListener("click", download);
  left.addEventListener("input", update);
  addEventListener("storage", () => (read(), show()));
  read();
  show();
  return {
    isHidden: (sound) => left.checked && !!decided(sound),
    press(key, sound) {
      const guess = sound?.querySelectorAll(".guesses button")[Number(key) - 1];
      if (key === "z") takeBack();
      else if (!sound) return false;
      else if (key === "r") decide(sound, "right", given(sound));
      else if (key === "u") decide(sound, "unsure", given(sound));
      else if (key === "w") sound.querySelector(".decision .label").focus();
      else if (key === "a" || key === "b") play(sound.querySelectorAll(".media")[key === "a" ? 1 : 2]);
      else if (guess) choose(sound, guess.dataset.label);
      else return false;
      return true;
    },
  };
}

// Headings of tables: a click sorts the rows, the next one turns them round. Cells without a value come last.
for (const table of document.querySelectorAll(".scroll:not(.matrix) table")) {
  const body = table.tBodies[0];
  if (body.rows.length < 3) continue;
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.className = "heading";
    button.append(...heading.childNodes);
    heading.append(button);
    const valueOf = (row) => {
      const text = row.cells[column].textContent.trim().replace(/^\u2013$/, "");
      const number = parseFloat(text.replace("\u2212", "-").replace(/^(-?)inf$/, "$1Infinity"));
      const whole = heading.classList.contains("number") || Number(text) === number;
      return whole && text && !Number.isNaN(number) ? number : text;
    };
    button.addEventListener("click", () => {
      const turned = heading.ariaSort === "ascending";
      for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
      heading.ariaSort = turned ? "descending" : "ascending";
      const compare = (one, other) => {
        const [a, b] = [valueOf(one), valueOf(other)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const numbers = typeof a === "number" && typeof b === "number";
        const order = numbers ? (a < b ? -1 : Number(a > b)) : `${a}`.localeCompare(`${b}`, undefined, { numeric: true });
        return turned ? -order : order;
      };
      body.append(...[...body.rows].sort(compare));
    });
  });
}
