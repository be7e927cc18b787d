// Puts elements into an order with as few moves as that takes, and without moving the one that the reader is in:
// an element that is moved loses the focus, and a selection that runs through it.

export function placeInOrder(list: Element, wanted: readonly Element[], end: Element | null): void {
  const held = wanted.find(isInUse);
  let next = end;
  for (const element of wanted.toReversed()) {
    // From the last to the first: what belongs behind the held element is behind it before its turn comes.
    if (element !== held && element.nextElementSibling !== next) list.insertBefore(element, next);
    next = element;
  }
}

function isInUse(element: Element): boolean {
  if (element.contains(document.activeElement)) return true;
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
}
