// Keep the purchase's page up to date: look every second, fetch what changed.
"use strict";
const live = document.getElementById("live");
const url = `/api/purchases/${live.dataset.id}`;
let shown = Number(live.dataset.events);
let busy = false;

async function look() {
  if (busy) return;
  busy = true;
  try {
    const answer = await fetch(url, { cache: "no-store" });
    if (!answer.ok) return;
    const purchase = await answer.json();
    if (purchase.log.length !== shown) await show(purchase);
  } catch (error) {
    // The network may be restarting: the next look will tell.
  } finally {
    busy = false;
  }
}

async function show(purchase) {
  const part = await fetch(`/shop/purchases/${live.dataset.id}/live`, { cache: "no-store" });
  if (!part.ok) return;
  const open = [...live.querySelectorAll("details")].map((details) => details.open);
  live.innerHTML = await part.text();
  live.querySelectorAll("details").forEach((details, i) => { details.open = open[i] === true; });
  shown = purchase.log.length;
  document.title = purchase.result.text;
  const bank = document.getElementById("bank");
  if (bank && purchase.cres) bank.remove();
}

setInterval(look, 1000);
window.addEventListener("message", (event) => {
  if (event.origin === location.origin) look();
});
