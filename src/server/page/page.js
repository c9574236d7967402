// Keeps what is shown up to date, asks in dialogs, and makes lists more comfortable.
// Without it, every page works: it is reloaded, and asks on a page of its own.
(() => {
  "use strict";

  // Live updates.

  const RETRY = 15_000;
  const url = document.body.dataset.liveUrl;
  const said = document.getElementById("live-state");
  const held = new Map();
  let source = null;
  let soon = 0;

  const say = (text, isLive) => {
    clearTimeout(soon);
    const tell = () => {
      if (said.textContent !== text) said.textContent = text;
      said.hidden = false;
      said.classList.toggle("off", !isLive);
    };
    // A stream that is opened anew at once is nothing to hear of.
    if (isLive) tell();
    else soon = setTimeout(tell, 4000);
  };

  const isInUse = (region) => {
    if (region.contains(document.activeElement)) return true;
    if (region.querySelector("input:is([type=checkbox], [type=radio]):checked")) return true;
    // Those are inputs, too, and their values say nothing.
    const others = "[type=hidden], [type=checkbox], [type=radio]";
    const typed = [...region.querySelectorAll(`input:not(${others})`)];
    if (typed.some((field) => field.value !== field.defaultValue)) return true;
    const selection = getSelection();
    return !selection.isCollapsed && selection.containsNode(region, true);
  };

  const show = (region, update) => {
    const open = [...region.querySelectorAll("details")].map((one) => one.open);
    const along = [...region.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    const template = document.createElement("template");
    template.innerHTML = update.html;
    region.replaceChildren(template.content);
    region.dataset.hash = update.hash;
    region.querySelectorAll("details").forEach((one, at) => (one.open = open[at] ?? one.open));
    region.querySelectorAll(".scroll").forEach((one, at) => (one.scrollLeft = along[at] ?? 0));
    comfort(region);
  };

  // What somebody is using is replaced once they let go of it.
  const showHeld = () => {
    for (const [region, update] of held) {
      if (isInUse(region)) continue;
      held.delete(region);
      show(region, update);
    }
    say(held.size ? "Live; newer entries wait for your selection" : "Live", true);
  };

  const take = (updates) => {
    for (const update of updates) {
      const region = document.querySelector(`[data-live="${update.name}"]`);
      if (!region) continue;
      if (region.dataset.hash === update.hash) held.delete(region);
      else held.set(region, update);
    }
    showHeld();
  };

  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(url);
    source.onopen = () => say("Live", true);
    source.addEventListener("regions", (event) => take(JSON.parse(event.data)));
    source.addEventListener("trouble", (event) => say(event.data, false));
    source.onerror = () => {
      say("Not live: reconnecting", false);
      if (source.readyState !== EventSource.CLOSED) return;
      close();
      setTimeout(open, RETRY);
    };
  };

  const close = () => {
    source?.close();
    source = null;
  };

  if (url && "EventSource" in window) {
    open();
    setInterval(() => held.size && showHeld(), 1000);
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    addEventListener("pagehide", close);
    addEventListener("pageshow", open);
  }

  // Dialogs: the page that asks, shown in this one.

  const ask = (title, asked, button) => {
    const dialog = document.createElement("dialog");
    const heading = document.createElement("h2");
    heading.id = "asked";
    heading.textContent = title;
    dialog.setAttribute("aria-labelledby", "asked");
    dialog.append(heading, document.adoptNode(asked));
    dialog.querySelector("[data-close]")?.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      button?.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  };

  const sendPlainly = (form, button) => {
    form.dataset.plainly = "";
    form.requestSubmit(button);
    delete form.dataset.plainly;
  };

  document.addEventListener("submit", async (event) => {
    const { target: form, submitter: button } = event;
    const only = form.dataset.confirm;
    if (only === undefined || "plainly" in form.dataset) return;
    if (only && button?.value !== only) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    if (button?.name) body.append(button.name, button.value);
    try {
      // A button's name may hide the form's own property.
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const asked = page.getElementById("confirm");
      if (!answer.ok || !asked) throw new Error("nothing is asked");
      ask(page.querySelector("h1").textContent, asked, button);
    } catch {
      sendPlainly(form, button);
    }
  });

  // Lists: one box selects all, and a bar counts what is selected.

  const comfort = (root) => {
    for (const head of root.querySelectorAll("th.pick")) {
      const table = head.closest("table");
      const boxes = [...table.querySelectorAll("td.pick input")];
      const bar = table.closest("form").querySelector(".bulk > :first-child");
      const caption = bar?.textContent;
      const all = document.createElement("input");
      all.type = "checkbox";
      all.setAttribute("aria-label", "Select all");
      const label = document.createElement("label");
      label.append(all);
      head.append(label);
      const count = () => {
        const chosen = boxes.filter((box) => box.checked).length;
        all.checked = chosen > 0 && chosen === boxes.length;
        all.indeterminate = chosen > 0 && chosen < boxes.length;
        if (bar) bar.textContent = chosen ? `${chosen} selected:` : caption;
      };
      all.addEventListener("change", () => {
        for (const box of boxes) box.checked = all.checked;
        count();
      });
      table.addEventListener("change", count);
    }
  };

  comfort(document);

  // On a narrow screen, the tabs may reach beyond it.
  const tabs = document.querySelector(".tabs");
  const current = tabs?.querySelector("[aria-current]");
  if (current) tabs.scrollLeft = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
})();
