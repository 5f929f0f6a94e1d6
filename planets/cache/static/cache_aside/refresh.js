"use strict";
// Admin → Cache, again every few seconds in place. Without JavaScript it is as fresh as its reload.
{
  const told = document.querySelector(".refresh");
  const seconds = Number(told?.dataset.seconds);
  let paused = false;

  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  const when = document.createElement("span");
  when.className = "help";

  const isInUse = (live) =>
    document.hidden ||
    live.contains(document.activeElement) ||
    live.querySelector("details[open]") !== null ||
    String(getSelection()) !== "";

  const say = () => {
    button.textContent = paused ? "Refresh again" : "Pause";
    when.textContent = paused ? "Paused." : `Refreshed ${new Date().toLocaleTimeString([], { hour12: false })}, every ${seconds} s.`;
  };

  const refresh = async () => {
    const live = document.getElementById("cache-live");
    if (paused || !live || isInUse(live)) return;
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("cache-live");
    if (!fresh) {
      location.reload(); // Redis is away, or the session has ended: the page says so
      return;
    }
    if (paused || isInUse(live)) return; // it may be since
    const scrolled = [...live.querySelectorAll(".wide")].map((part) => part.scrollLeft);
    live.replaceWith(fresh);
    fresh.querySelectorAll(".wide").forEach((part, i) => (part.scrollLeft = scrolled[i] ?? 0));
    say();
  };

  if (seconds) {
    button.addEventListener("click", () => {
      paused = !paused;
      say();
    });
    told.append(button, when);
    told.hidden = false;
    say();
    setInterval(() => refresh().catch(() => (when.textContent = "The server does not answer just now.")), seconds * 1000);
  }
}
