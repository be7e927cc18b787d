// The overview, the alerts, the targets and the pages that only say something.

import { startPage } from "../live/page";

startPage();
