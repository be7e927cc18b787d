// Runs before the page is painted, as a classic script, so that the chosen colours and layout never flash.

{
  const root = document.documentElement;
  for (const name of ["theme", "layout"]) {
    try {
      const value = localStorage.getItem(`glass-cockpit.${name}`);
      if (value) root.dataset[name] = value;
    } catch {
      break;
    }
  }
  root.dataset["scripts"] = "on";
}
