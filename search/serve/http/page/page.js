"use strict";

// What a form asks: its fields fill the path, then the address; what is empty is not given.
function address(form) {
  let path = form.dataset.path;
  const rest = new URLSearchParams();
  for (const field of form.querySelectorAll("[data-name]")) {
    const name = field.dataset.name;
    const value = field.type === "checkbox" ? (field.checked ? "true" : "") : field.value;
    if (path.includes(`{${name}}`)) {
      path = path.replace(`{${name}}`, encodeURIComponent(value));
    } else if (value !== "") {
      for (const one of "many" in field.dataset ? value.split("\n") : [value]) {
        if (one !== "") rest.append(name, one);
      }
    }
  }
  const asked = rest.toString();
  return asked ? `${path}?${asked}` : path;
}

async function send(form) {
  const headers = {};
  const token = document.getElementById("token");
  if (token && token.value) headers.Authorization = `Bearer ${token.value}`;
  const body = form.querySelector("[data-body]");
  if (body) headers["Content-Type"] = "application/json";
  const shown = form.querySelector("output");
  const where = address(form);
  shown.textContent = "…";
  try {
    const answer = await fetch(where, { method: form.dataset.method, headers, body: body ? body.value : undefined });
    let text = await answer.text();
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // it is no JSON, and shown as it is
    }
    shown.textContent = `${form.dataset.method} ${where}\n${answer.status} ${answer.statusText}\n\n${text}`;
  } catch (error) {
    shown.textContent = `${form.dataset.method} ${where}\n${error}`;
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target);
});
