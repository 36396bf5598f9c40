import {redrawCharts} from "./traffic.js";

const choices = document.querySelectorAll("[name=theme]");

function apply(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  redrawCharts();
}

const kept = localStorage.getItem("theme") || "auto";
for (const choice of choices) {
  choice.checked = choice.value === kept;
  choice.addEventListener("change", () => {
    localStorage.setItem("theme", choice.value);
    apply(choice.value);
  });
}
apply(kept);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
