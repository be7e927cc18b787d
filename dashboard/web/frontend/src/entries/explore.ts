// The page of a query.

import "uplot/dist/uPlot.min.css";
import { ExplorePage } from "../explore/page";

new ExplorePage().start();
