(function () {
  "use strict";
  var form = document.getElementById("filter");
  if (!form) return;
  var rows = Array.prototype.slice.call(document.querySelectorAll("#found tbody tr"));
  var word = form.elements.word, severity = form.elements.severity, kind = form.elements.kind;
  var said = document.getElementById("shown");
  function apply() {
    var wanted = word.value.trim().toLowerCase(), shown = 0;
    rows.forEach(function (row) {
      var fits = (!severity.value || row.dataset.severity === severity.value) &&
        (!kind.value || row.dataset.kind === kind.value) &&
        (!wanted || row.textContent.toLowerCase().indexOf(wanted) >= 0);
      row.hidden = !fits;
      if (fits) shown += 1;
    });
    said.textContent = shown + " of " + rows.length + " shown";
  }
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.prototype.slice.call(document.querySelectorAll("#found details:not([open])"));
    folded.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () {
    folded.forEach(function (one) { one.open = false; });
  });
  apply();
})();
