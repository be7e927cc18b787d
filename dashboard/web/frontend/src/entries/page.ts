// Style sheets ask for this mark to hide what only works with scripts.
document.documentElement.dataset["scripts"] = "on";
