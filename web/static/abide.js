// Everything works without this file; it only makes some things quicker.
"use strict";

// After a refused form, start at what is wrong.
const problems = document.getElementById("problems");
if (problems) {
  problems.focus();
}

// A link of the summary may lead into a part that is folded away.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".problems a");
  const target = link && document.getElementById(link.hash.slice(1));
  if (target) {
    event.preventDefault();
    openAround(target);
    target.focus();
    target.scrollIntoView({ block: "center" });
  }
});

function openAround(element) {
  for (let at = element; at; at = at.parentElement) {
    if (at.tagName === "DETAILS") {
      at.open = true;
    }
  }
}

// Passwords and secrets can be shown while they are typed.
for (const input of document.querySelectorAll('input[type="password"]')) {
  const what = input.name.endsWith("secret") ? "secret" : "password";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = `Show ${what}`;
  button.addEventListener("click", () => {
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    button.textContent = `${hidden ? "Hide" : "Show"} ${what}`;
  });
  const line = document.createElement("div");
  line.append(button);
  input.after(line);
}

// Parts of the metric form that its kind does not use step aside.
const parts = document.querySelectorAll("[data-for]");
if (parts.length) {
  const show = () => {
    const kind = document.querySelector('input[name="kind"]:checked');
    for (const part of parts) {
      const used = !kind || part.dataset.for.split(" ").includes(kind.value);
      part.hidden = !used && !part.querySelector('[aria-invalid="true"]');
    }
  };
  document.addEventListener("change", show);
  show();
}

// The part for a new hypothesis opens when none of the list is chosen.
for (const part of document.querySelectorAll("[data-unless]")) {
  const list = document.getElementById(part.dataset.unless);
  list.addEventListener("change", () => {
    part.open = list.value === "";
  });
}

// The sentence of a hypothesis grows while its parts are typed.
const said = document.querySelectorAll("[data-says]");
const unitOf = (part, digits) => {
  const list = document.getElementById(part.dataset.unitOf);
  const unit = list?.selectedOptions[0]?.dataset.unit;
  return digits && unit ? ` ${digits === "1" ? unit.replace(/s$/, "") : unit}` : "";
};
if (said.length) {
  const say = () => {
    for (const part of said) {
      const [first] = document.getElementsByName(part.dataset.says);
      const chosen = document.querySelector(`[name="${part.dataset.says}"]:checked`);
      const option = first && first.value && first.selectedOptions?.[0].text;
      const after = part.dataset.after;
      const bare = first?.value.trim().replace(/\.$/, "") ?? "";
      const rest = after && bare.toLowerCase().startsWith(`${after} `) ? bare.slice(after.length + 1) : bare;
      const typed = rest.replace(/^.(?!\p{Lu})/u, (one) => one.toLowerCase()) + unitOf(part, rest);
      const text = chosen ? chosen.nextElementSibling?.textContent : option ?? typed;
      part.textContent = text || "\u2026";
    }
  };
  document.addEventListener("input", say);
}

// Numbers step at once; without this, their buttons post the page.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-step]");
  const input = button && document.getElementById(button.value.slice(5));
  const now = input && Number(input.value.replaceAll(",", ""));
  if (!input?.value || !Number.isFinite(now)) {
    return;
  }
  event.preventDefault();
  const { step, low, high } = button.dataset;
  const size = step === "digit" ? (now ? 10 ** Math.floor(Math.log10(Math.abs(now))) / 2 : 1) : Number(step);
  const next = Math.min(Math.max(now + (button.value.startsWith("more") ? size : -size), low), high);
  input.value = String(Number(next.toFixed(9)));
  const shares = [...document.querySelectorAll('input[name^="variants-"][name$="-share"]')];
  if (shares.length === 2 && shares.includes(input)) {
    shares.find((one) => one !== input).value = String(Number((100 - next).toFixed(9)));
  }
  input.dispatchEvent(new Event("input", { bubbles: true }));
});

// Beside a list stands what is known of the line that is chosen.
for (const part of document.querySelectorAll("[data-choice-of]")) {
  const list = document.getElementById(part.dataset.choiceOf);
  list.addEventListener("change", () => {
    part.hidden = list.value !== part.dataset.choice;
  });
}

// The duration is worked out while the plan is typed, by the same address. (plan.action
// would be the buttons of that name.)
const plan = document.getElementById("plan-form");
const answer = document.getElementById("duration-answer");
const more = document.getElementById("duration-more");
if (plan && answer) {
  let timer = 0;
  let asked = 0;
  const ask = async () => {
    const number = ++asked;
    const body = new FormData(plan);
    body.set("action", "duration-in-words");
    try {
      const reply = await fetch(location.href, { method: "POST", body });
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const fresh = page.getElementById("duration-answer");
      if (fresh && number === asked && fresh.textContent.trim() !== answer.textContent.trim()) {
        answer.replaceChildren(...fresh.childNodes);
        // What was drawn for other numbers goes; the button draws it anew.
        more?.replaceChildren();
      }
    } catch {
      // The button does the same.
    }
  };
  plan.addEventListener("input", (event) => {
    if (/^(duration|metrics|variants|coverage|alpha)/.test(event.target.name)) {
      clearTimeout(timer);
      timer = setTimeout(ask, 600);
    }
  });
}
