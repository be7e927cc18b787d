// The page of an app, with its charts.

import "uplot/dist/uPlot.min.css";
import { AppPage } from "../charts/page";

new AppPage().start();
