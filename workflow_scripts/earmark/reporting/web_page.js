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
        filters.some((filter) => filter.value && keys.get(sound)[filter.dataset.filter] !== filter.value);
    }
    const sorted = order.value ? [...sounds].sort(compare) : [...sounds];
    list.append(...(reverse.checked ? sorted.reverse() : sorted));
    count.value = `${shown().length} of ${sounds.length} clips`;
  }

  const slider = (sound) => sound.querySelector("input[type=range]");

  function load(sound) {
    if (current === sound) return;
    player.pause();
    current = sound;
    player.src = "data:audio/mpeg;base64," + sound.querySelector(".play").dataset.audio;
  }

  function play(sound) {
    if (!sound.querySelector(".play")) return;
    load(sound);
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
    if (event.target.matches(".play")) play(event.target.closest(".sound"));
  });
  list.addEventListener("input", (event) => {
    load(event.target.closest(".sound"));
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
    else if (event.key === " " && sound && !target.closest("button")) play(sound);
    else return;
    event.preventDefault();
  });
  update();
}
