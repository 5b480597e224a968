// What HTML and htmx cannot do alone: the theme switch, focus and announcements after a swap, menus, two keys.
(() => {
  "use strict";
  const root = document.documentElement;
  const year = 60 * 60 * 24 * 365;
  const all = (selector, within = document) => within.querySelectorAll(selector);

  // Theme: a cookie, so that the server already writes the right one into the next page.
  const setTheme = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = theme;
    const secure = location.protocol === "https:" ? ";secure" : "";
    document.cookie = `theme=${theme};path=/;max-age=${year};samesite=lax${secure}`;
    showTheme();
  };
  const showTheme = () => {
    const theme = root.dataset.theme || "auto";
    all("[data-set-theme]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.setTheme === theme)));
  };

  const say = (text) => {
    const place = document.getElementById("announcer");
    if (!place || !text) return;
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };

  const toast = (text) => {
    const shape = document.getElementById("toast-shape");
    const place = document.getElementById("messages");
    if (!shape || !place) return;
    const made = shape.content.cloneNode(true);
    made.querySelector("p").textContent = text;
    place.replaceChildren(made);
  };

  const closeMenus = (except) => {
    all("details[data-menu][open]").forEach((menu) => { if (!except || !menu.contains(except)) menu.open = false; });
  };

  // An amount opens what it is made of in a dialog; without JavaScript its link is a page of its own.
  const explain = (link) => {
    let dialog = document.getElementById("explain");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "explain";
      dialog.className = "dialog";
      dialog.setAttribute("aria-labelledby", "explanation-title");
      document.body.append(dialog);
    }
    if (!dialog.open) {
      const close = document.createElement("button");
      close.type = "button";
      close.className = "btn btn-quiet btn-icon dialog-close";
      close.dataset.close = "";
      close.setAttribute("aria-label", document.body.dataset.closeLabel);
      close.textContent = "×";
      const place = document.createElement("div");
      place.id = "explanation";
      dialog.replaceChildren(close, place);
    }
    htmx.ajax("GET", link.href, { target: "#explanation", swap: "outerHTML", source: dialog }).then(() => {
      const title = dialog.querySelector("#explanation-title");
      if (!title || dialog.open) return;
      dialog.showModal();
      title.focus();
    });
  };

  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    const amount = event.target.closest("a[href*='explain/']");
    if (amount && window.htmx && !document.querySelector("main #explanation")
      && !(event.ctrlKey || event.metaKey || event.shiftKey || event.button)) {
      event.preventDefault();
      explain(amount);
      return;
    }
    if (event.target.id === "explain") event.target.close();
    const on = event.target.closest("[data-set-theme], [data-dismiss], [data-dialog], [data-close], [data-print], [data-copy]");
    if (!on) return;
    if (on.dataset.setTheme) setTheme(on.dataset.setTheme);
    if ("dismiss" in on.dataset) on.closest(".toast").remove();
    if (on.dataset.dialog) {
      const dialog = document.getElementById(on.dataset.dialog);
      if (dialog && dialog.showModal) { event.preventDefault(); dialog.showModal(); }
    }
    if ("close" in on.dataset) { event.preventDefault(); on.closest("dialog").close(); }
    if ("print" in on.dataset) window.print();
    if (on.dataset.copy && navigator.clipboard) {
      navigator.clipboard.writeText(document.getElementById(on.dataset.copy).textContent.trim())
        .then(() => say(on.dataset.copied));
    }
  });

  // A choice that sends its form at once (filters); with JavaScript off the form keeps its button.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submit-on-change]");
    if (form) form.requestSubmit();
  });

  const typing = (target) => target.closest("input, select, textarea, [contenteditable], dialog[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = event.target.closest("details[data-menu][open]");
      closeMenus();
      if (menu) menu.querySelector("summary").focus();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const goal = event.key === "/" ? document.querySelector("[data-find]")
      : event.key === "n" ? document.querySelector("[data-new]") : null;
    if (!goal) return;
    event.preventDefault();
    if (goal.matches("input")) { goal.focus(); goal.select(); } else goal.click();
  });

  // htmx: focus lands where the change is, unless that came by itself; the change is announced; a failure is said in words.
  const byItself = ["load", "revealed", "input"];
  document.addEventListener("htmx:afterSettle", (event) => {
    const place = event.detail.elt;
    if (!place || !place.querySelector) return;
    const within = (selector) => (place.matches(selector) ? place : place.querySelector(selector));
    const cause = event.detail.requestConfig?.triggeringEvent?.type;
    const found = within("[aria-invalid='true']") || within("[data-focus]");
    if (found && !byItself.includes(cause) && !place.contains(document.activeElement)) {
      const goal = found.querySelector("input:not([type=hidden]), select, textarea") || found;
      if (goal.tabIndex < 0) goal.tabIndex = -1;
      goal.focus({ preventScroll: false });
    }
    const news = within("[data-announce]");
    if (news) say(news.dataset.announce || news.textContent.trim());
  });
  const failed = () => toast(document.body.dataset.failed);
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);

  // The page that is shown without a network; it is kept once this one is there.
  const { serviceWorker } = navigator;
  addEventListener("load", () => {
    const { worker } = document.body.dataset;
    if (serviceWorker && worker) serviceWorker.register(worker, { scope: "/" }).catch(() => {});
  });

  Object.assign(htmx.config, {
    includeIndicatorStyles: false, allowEval: false, historyCacheSize: 0, refreshOnHistoryMiss: true, defaultSettleDelay: 0, timeout: 20000,
    responseHandling: [
      { code: "204", swap: false }, { code: "[23]..", swap: true }, { code: "422|409", swap: true }, { code: "[45]..", swap: false, error: true },
    ],
  });

  // Where a page asks for a time zone and nobody has chosen yet, the device's.
  const guessTimeZone = () => {
    const choice = document.querySelector("[data-guess-time-zone] select");
    const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (choice && [...choice.options].some((option) => option.value === guess)) choice.value = guess;
  };

  document.addEventListener("DOMContentLoaded", () => {
    showTheme();
    guessTimeZone();
    // After a full page came back with errors, go to the first field that needs a change.
    const wrong = document.querySelector("main [aria-invalid='true']");
    if (wrong) wrong.focus();
  });
})();
