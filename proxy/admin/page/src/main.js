// The page of the admin address: asks /stats and /purges every two seconds, and /history, /advise and /top every ten.

import {ApiError, get, useToken} from "./api.js";
import {at} from "./elements.js";
import {showFigures} from "./figures.js";
import {showPurges} from "./purge.js";
import {showAdvice, showTop} from "./advice.js";
import {showTraffic} from "./traffic.js";
import "./entries.js";
import "./explain.js";
import "./live.js";
import "./theme.js";

let before = null, askedAt = 0;

// What this larder has: the page is the same for all versions of the API.
const offers = new Set(document.body.dataset.offers.split(" "));
at("entries-part").hidden = !offers.has("/entries");
at("live-part").hidden = !offers.has("/events");

function showReload(last) {
  at("reload").hidden = !last || last.successful;
  if (!last || last.successful) return;
  at("reload-time").textContent = "Tried " + new Date(last.time * 1000).toLocaleString() + ".";
  at("reload-errors").textContent = last.errors;
}

async function refreshHistory() {
  try {
    const history = await get("history");
    showTraffic(history);
    showReload(history.last_reload);
    if (offers.has("/advise")) await showAdvice();
    if (offers.has("/top")) await showTop();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

async function refresh() {
  try {
    const now = await get("stats"), time = performance.now();
    showFigures(now, before, (time - askedAt) / 1000);
    if (offers.has("/purges")) await showPurges();
    at("login").hidden = true;
    before = now;
    askedAt = time;
    return true;
  } catch (error) {
    at("login").hidden = !(error instanceof ApiError && error.status === 401);
    at("state").textContent = error instanceof ApiError ? error.message : "larder does not answer";
    return false;
  }
}

at("login").addEventListener("submit", async event => {
  event.preventDefault();
  useToken(at("token").value);
  if (await refresh()) await refreshHistory();
});

setInterval(refresh, 2000);
setInterval(() => refreshHistory().catch(() => {}), 10000);
refresh().then(good => good && refreshHistory()).catch(() => {});
