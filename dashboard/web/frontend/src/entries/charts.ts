// The page of an app and that of the graphics cards, with their charts.

import "uplot/dist/uPlot.min.css";
import { ChartsPage } from "../charts/page";

new ChartsPage().start();
