package fault

var configCodes = []Code{
	{"config.invalid", Misconfigured, "Something in the configuration is missing or does not make sense.", "see all findings at once: millrace config lint"},
	{"config.file_missing", Misconfigured, "The configuration file that was named cannot be read.", "check --config or MILLRACE_CONFIG; an annotated sample: millrace config init"},
	{"config.nats_missing", Misconfigured, "No broker is configured, and this process does not embed one.", "set NATS_URL, or run everything in one process: millrace up"},
	{"config.data_dir", Misconfigured, "The data folder cannot be used.", "choose another with --data-dir or MILLRACE_DATA_DIR"},
	{"config.data_dir_locked", Misconfigured, "Another process works on this data folder.", "stop it first, or choose another folder with --data-dir"},
	{"config.data_dir_kind", Misconfigured, "The folder holds data of the demo where real data was expected, or the other way round.", "choose another folder with --data-dir"},
	{"config.no_installation", Misconfigured, "There is nothing to look at: no broker is configured and nothing was ever run on this data folder.", "name the folder with --data-dir, set NATS_URL, or start one: millrace up"},
	{"config.books_changed", Misconfigured, "A choice of the books is another one than the connection was settled by: by it money would be posted again, or left out.", "set the books of the connection back to what the message names, and restart; summary_from may be set or moved to a day that is still to come, nothing else may change once the books have started (docs/operations.md)"},
	{"config.account_shared", Misconfigured, "Another connection settles the same Stripe account: each of them would post all of its payouts and fees.", "settle an account by one connection, under the name that it had from the first start on; take clearing and accounts out of the books of the other, and restart"},
	{"service.listen", Misconfigured, "A port cannot be opened.", "free the port, or choose another: ingest.listen, ops.listen, a twin's --listen; port 0 takes a free one"},
	{"cli.usage", Invalid, "The command line is not understood.", "millrace --help"},
	{"cli.degraded", Rejected, "The installation is not healthy.", "what is parked waits for a person: millrace parked list; what is blocked goes on by itself"},
	{"cli.not_found", Rejected, "Nothing is known under this id.", "check the id; a number of Acumatica may need its type, such as \"Payment 000004\""},
	{"cli.ambiguous", Rejected, "The id belongs to more than one thing.", "name it with its type, such as \"Payment 000004\""},
	{"cli.unknown_code", Rejected, "There is no such error code.", "list them all: millrace errors list"},
	{"simulate.failed", Rejected, "The oracle of the simulation found something lost, doubled, out of order or left behind.", "run the smallest plan again: millrace simulate --plan <file>"},
	{"demo.incomplete", Rejected, "The demo did not reach its end: something is parked or missing.", "look at the story of what is missing: millrace trace <id>, with the same --data-dir"},
}
