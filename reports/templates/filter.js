(() => {
  const form = document.querySelector(".filter");
  const claims = [...document.querySelectorAll("article.verdict")];
  const texts = claims.map(claim => claim.textContent.toLowerCase());
  const keys = ["verdict", "expected", "lab"];

  const show = () => {
    const wanted = new FormData(form);
    const words = wanted.get("text").toLowerCase().split(/\s+/).filter(word => word);
    let count = 0;
    claims.forEach((claim, i) => {
      const fits = keys.every(key => !wanted.get(key) || claim.dataset[key] === wanted.get(key))
        && words.every(word => texts[i].includes(word));
      claim.hidden = !fits;
      count += fits;
    });
    for (const lab of document.querySelectorAll("section.lab"))
      lab.hidden = !lab.querySelector("article.verdict:not([hidden])");
    form.querySelector("output").value = count + " of " + claims.length + " claims";
  };

  // The filter stands in the address, so that what it shows can be kept and sent.
  const write = () => {
    const chosen = [...new FormData(form)].filter(([, value]) => value);
    history.replaceState(null, "", "#" + new URLSearchParams(chosen));
    show();
  };
  const set = wanted => {
    for (const field of form.elements) if (field.name) field.value = wanted.get(field.name) || "";
    show();
  };
  const read = () => {
    const hash = location.hash.slice(1);
    if (!hash || hash.includes("=")) return set(new URLSearchParams(hash));
    const place = document.getElementById(hash);
    if (!place?.closest("[hidden]")) return;
    // A link to a claim that was filtered away.
    set(new URLSearchParams());
    place.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("input", write);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(write));
  addEventListener("hashchange", read);
  show();
  read();

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const code = button.parentElement.querySelector("code");
      getSelection().selectAllChildren(code);
      navigator.clipboard?.writeText(code.textContent.trim()).then(() => { button.textContent = "Copied"; }, () => {});
    });
  }
})();
