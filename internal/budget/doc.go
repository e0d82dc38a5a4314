// Package budget divides what another system lets us do among all processes of
// the installation. There is one budget per system and connection, a record of
// the bucket "budgets" that every process changes by compare-and-swap. It has
// three parts:
//
//   - Rate: in no span of the period (a minute, a second) are more requests
//     sent than configured. Requests are paid with tokens, which a process takes
//     several at a time while there are plenty. A token that is not used soon
//     after it was taken is lost, also when its process dies: budgets are
//     under-used then, never over-spent.
//   - Concurrency: a request holds a slot. The slots of a process that dies
//     come free after slotTTL.
//   - Hold: when any worker is told to slow down, everybody waits.
//
// Posting goes before polling: what came with Yield waits behind what did not,
// for up to patience, and leaves a part of the tokens and one slot alone. After
// that it takes its turn, so that polling is slow under load but never stands
// still. Processes take turns by the age of what waits in them.
//
// Times in the record are the broker's, so the clocks of the processes do not
// matter. When the broker is away requests under way finish and no new ones are
// sent: their effect could not be recorded anyway.
//
// # Choices where the public evidence is silent
//
//   - Acumatica does not say where its minute begins. Hence no fixed windows:
//     the limit holds in every span of sixty seconds. That costs about a fifth
//     of the configured rate under steady load.
//   - Neither system says for how long to wait after a refusal without a
//     Retry-After: a second, twice as long each time, at most a minute; a second
//     again once nothing was refused for as long as the last hold was.
//   - A process that was paused for longer than slotTTL in the middle of a
//     request finishes it when it wakes up: for that moment there may be more
//     requests than slots. The same holds for a request that the system still
//     works on after its sender has died. The system's own limit has the last
//     word; nothing else rests on ours.
//   - Connections that share one Acumatica licence do not know of each other:
//     give each its part.
package budget
