// Package simulate runs the real services against both twins and an embedded
// broker, all in one process, under a schedule of faults that a seed decides,
// and then has an oracle look at the twins' books. It promises that a seed
// always gives the same plan: the same business, the same faults, the same
// moments counted in operations of a simulated process. What it cannot promise
// is the order in which goroutines, the broker's among them, run in between: a
// failing seed fails again most of the time, not always.
//
// A simulated process is a set of services with a broker connection and HTTP
// connections of their own, all of which pass through one line. Cutting the
// line is what the world sees of a kill -9; holding it is what the world sees
// of a process that is stopped and wakes up later. The goroutines of a killed
// process live on for a moment, but nothing they do gets out.
package simulate
