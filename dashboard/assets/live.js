// Refreshes what is live on the page every five seconds while somebody looks. Without this the page is complete, only
// not moving. Whoever saves data or asked for less motion starts it by hand.
(() => {
  const box = document.getElementById('pause');
  if (!box || !window.fetch) return;
  const button = box.firstElementChild, lost = document.getElementById('lost');
  let on = !(navigator.connection && navigator.connection.saveData) && !matchMedia('(prefers-reduced-motion: reduce)').matches;
  let busy = false;
  const say = () => { button.textContent = on ? box.dataset.pause : box.dataset.start; };
  const tick = async () => {
    if (!on || busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(box.dataset.live);
      if (!answer.ok) throw answer.status;
      const page = document.createElement('template');
      page.innerHTML = await answer.text();
      for (const fresh of [...page.content.children]) {
        const old = document.getElementById(fresh.id);
        if (old && !old.contains(document.activeElement)) old.replaceWith(fresh);
      }
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
    busy = false;
  };
  button.onclick = () => { on = !on; say(); tick(); };
  say();
  box.hidden = false;
  setInterval(tick, 5000);
})();
