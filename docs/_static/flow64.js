// What screen readers and keyboards need, and the theme leaves out.
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll("p.caption[role=heading]:not([aria-level])")) {
    caption.setAttribute("aria-level", "2");
  }
  const letScroll = () => {
    for (const box of document.querySelectorAll("pre, .table-wrapper")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  };
  letScroll();
  addEventListener("resize", letScroll);
  // A line may end before an option, and not inside of its dashes.
  for (const word of document.querySelectorAll("code .pre")) {
    if (word.textContent.startsWith("--")) word.style.whiteSpace = "nowrap";
  }
  const labels = {
    ".sidebar-drawer": "All pages",
    ".toc-drawer": "On this page",
    ".content-icon-container": "This page",
  };
  for (const [selector, label] of Object.entries(labels)) {
    document.querySelector(selector)?.setAttribute("aria-label", label);
  }
  document.querySelector(".content-icon-container")?.setAttribute("role", "navigation");
  if (!document.querySelector("h1")) {
    const title = document.createElement("h1");
    title.textContent = document.title.split(" - ")[0];
    document.querySelector("article")?.prepend(title);
  }
});
