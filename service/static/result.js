// Script for results and the API reference: local times, printing, copying.
"use strict";
for (const time of document.querySelectorAll("time[data-local]")) {
  const at = new Date(time.dateTime);
  const today = at.toDateString() === new Date().toDateString();
  const how = today ? { timeStyle: "short" } : { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" };
  time.textContent = (today ? "today, " : "") + at.toLocaleString(undefined, how);
}
for (const button of document.querySelectorAll("[data-print], [data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (!button.dataset.copy) return print();
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}
