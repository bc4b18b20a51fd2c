# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pulsewarden_global_optspecs
    string join \n config= h/help V/version
end

function __fish_pulsewarden_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pulsewarden_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pulsewarden_using_subcommand
    set -l cmd (__fish_pulsewarden_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -s V -l version -d 'Print version'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "serve" -d 'Run the daemon'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "reload" -d 'Let the running daemon read configuration and rules again; exit code 1 where they cannot be used'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "demo" -d 'Show what Pulsewarden does, on a day with invented devices; needs no configuration, network or account'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "status" -d 'How the daemon is doing, on one screen; exit code 1 where something is wrong'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "check" -d 'Check configuration and rule files; shows every problem at once'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "routes" -d 'Show the tree of routes, and who would be told of an alert'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "test" -d 'Run the test cases beside the rules: invented events, and which alerts and messages must come of them'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "backtest" -d 'What rules would have made of recorded events: which alerts, when, for whom; and how another rule set differs'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "score" -d 'Score rules against an invented fleet: what they find of what is really wrong in it, and what they tell without a reason'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "alerts" -d 'List alerts, or show one with its moves, its evidence and where each message went'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "ack" -d 'Take alerts on: they are not repeated, and nobody else is called'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "unack" -d 'Give alerts back: their receivers are told again, and escalation counts from now'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "assign" -d 'Say who is to see to alerts'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "note" -d 'Write something about alerts'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "resolve" -d 'Say that alerts are over, whatever the devices say'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "silence" -d 'Tell nobody of some alerts, for a time'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "audit" -d 'Who did what about alerts and silences, and how'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "explain" -d 'Say why an alert fired and ended, or why a rule does not fire for a subject, and when it would'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "devices" -d 'List devices, or show one with its state, its alerts, and why rules did not fire'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "events" -d 'List events, newest first; shows no payload'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "deliveries" -d 'List messages and where they stand, show one with each attempt, or send again what was given up'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "digest" -d 'List digests, or send one now'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "preview" -d 'Write a message to files as it would go to a receiver: the HTML and the text of the mail, the JSON for Slack'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "impilo" -d 'Ask Impilo, through the running daemon'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "doctor" -d 'Check everything between this daemon and Impilo, and say what to do; exit code 1 where something is wrong or cannot be told'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "notify" -d 'Try a receiver'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "simulate" -d 'Play Impilo with an invented fleet: its documented interface over HTTP, and webhooks with its schedule of retries'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "schema" -d 'Print the JSON Schema of rule files or of their tests, by which editors complete, explain and check them'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "man" -d 'Print the manual page'
complete -c pulsewarden -n "__fish_pulsewarden_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand serve" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand reload" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand demo" -l port -d 'Where the demo listens; a free port of the loopback by default' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand demo" -l speed -d 'Tell the story this many times faster' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand demo" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand demo" -l keep -d 'Keep running after the story until Ctrl-C, also where there is no terminal'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand demo" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand status" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand status" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand status" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand check" -l rules -d 'Check the rule files in this folder alone, without a configuration' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand check" -l library -d 'With --rules: the folder of the shipped rules, which the files there may change' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand check" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and not __fish_seen_subcommand_from show test help" -l rules -d 'Read the rule files in this folder, without a configuration' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and not __fish_seen_subcommand_from show test help" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and not __fish_seen_subcommand_from show test help" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and not __fish_seen_subcommand_from show test help" -f -a "show" -d 'Show the tree of routes'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and not __fish_seen_subcommand_from show test help" -f -a "test" -d 'Say who would be told of an alert with these labels, and when'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and not __fish_seen_subcommand_from show test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from show" -l rules -d 'Read the rule files in this folder, without a configuration' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from test" -l at -d 'For one that fires then, as in 2026-03-07T22:00:00Z, where that is not now' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from test" -l rules -d 'Read the rule files in this folder, without a configuration' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from test" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the tree of routes'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from help" -f -a "test" -d 'Say who would be told of an alert with these labels, and when'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand routes; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l rules -d 'Test the rules in this folder; otherwise the folder of the test files itself' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l library -d 'The folder of the shipped rules, which those under test may change; otherwise the configured one' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l run -d 'Run only tests with this in their names' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l junit -d 'Write the results to this file too, as JUnit\'s XML' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l record -d 'Print a test case made from these events of the store: journal rows as in 120-140,155, or id:57637002' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l store -d 'With --record: the file of the store; otherwise the configured one' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -l coverage -d 'Say which rules no test expects anything of'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l since -d 'Look at this long before the end, as in 30d; otherwise at all that there is' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l from -d 'Look at what came from then on: a date, or an instant as in 2026-03-02T10:00:00Z' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l until -d 'Look at what came until then; otherwise until now, or until the last event of a file' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l rules -d 'Try the rules in this folder instead of those in force' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l library -d 'With a folder of rules: the folder of the shipped ones; otherwise the configured one' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l against -d 'Compare with an older rule set: a folder, the hash of a stored one, or `live` for the one in force' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l events -d 'Read events from this file, one a line, instead of the store' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l store -d 'The file of the store; otherwise the configured one' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l limit -d 'List at most this many alerts and differences' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l exit-code -d 'Exit with code 1 where the two rule sets differ'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -l json -d 'Print JSON for programs: every alert and every difference'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand backtest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l devices -d 'How many devices the fleet has' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l days -d 'How many days of its life are told' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l seed -d 'Another number is another history' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l rules -d 'Try the rules in this folder; otherwise the configured ones' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l library -d 'The folder of the shipped rules, which those under trial may change; otherwise the configured one' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l limit -d 'List at most this many missed problems, and as many false alerts' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l disturbed -d 'Let webhooks come late, twice and out of order, as Impilo\'s retries make them'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -l json -d 'Print JSON for programs: every missed problem and every false alert'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand score" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand alerts" -l device -d 'Alerts of this device alone, by Impilo\'s id' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand alerts" -l limit -d 'At most this many' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand alerts" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand alerts" -l all -d 'Ended ones too'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand alerts" -l phi -d 'Show what leaves under `phi: full` alone, such as names and notes; the log records who did'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand alerts" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand alerts" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand ack" -l by -d 'Who does it, where that is not you' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand ack" -l for -d 'For this long, as in 5d; then it is told and escalated anew' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand ack" -l note -d 'Write this about it, too' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand ack" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand ack" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand ack" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand unack" -l by -d 'Who does it, where that is not you' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand unack" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand unack" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand unack" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand assign" -l by -d 'Who does it, where that is not you' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand assign" -l to -d 'Who is to see to it' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand assign" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand assign" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand assign" -l nobody -d 'Take the assignment back'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand assign" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand note" -l by -d 'Who does it, where that is not you' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand note" -l text -d 'What to write; it may name people, and leaves to receivers of `phi: full` alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand note" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand note" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand note" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand resolve" -l by -d 'Who does it, where that is not you' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand resolve" -l note -d 'Write this about it, too' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand resolve" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand resolve" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand resolve" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and not __fish_seen_subcommand_from add list end help" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and not __fish_seen_subcommand_from add list end help" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and not __fish_seen_subcommand_from add list end help" -f -a "add" -d 'Make a silence; says first what it hides'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and not __fish_seen_subcommand_from add list end help" -f -a "list" -d 'List silences that are not over'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and not __fish_seen_subcommand_from add list end help" -f -a "end" -d 'End a silence now; what it hid and is still so is told'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and not __fish_seen_subcommand_from add list end help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l for -d 'How long, as in 4h' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l until -d 'Until then, as in 2026-03-02T18:00:00Z' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l from -d 'From then on, where that is not now' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l comment -d 'Why, for those who find it' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l by -d 'Who does it, where that is not you' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l until-resolved -d 'Until the alerts that match now have ended; those that come later are told'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l dry-run -d 'Only say what it would hide'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from list" -l all -d 'Those that are over, too'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from list" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from end" -l by -d 'Who does it, where that is not you' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from end" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from end" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from help" -f -a "add" -d 'Make a silence; says first what it hides'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from help" -f -a "list" -d 'List silences that are not over'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from help" -f -a "end" -d 'End a silence now; what it hid and is still so is told'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand silence; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand audit" -l alert -d 'What was done about this alert alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand audit" -l limit -d 'At most this many' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand audit" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand audit" -l phi -d 'Show what was written, too; it may name people'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand audit" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand audit" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand explain" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand explain" -l phi -d 'With an alert: show what leaves under `phi: full` alone, such as names; the log records who did'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand explain" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand devices" -l limit -d 'At most this many' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand devices" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand devices" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand devices" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand events" -l type -d 'Events of this type alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand events" -l device -d 'Events that speak of this device alone, by Impilo\'s id' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand events" -l limit -d 'At most this many' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand events" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand events" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand events" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -l receiver -d 'Those to this receiver alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -l alert -d 'Those about this alert alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -l limit -d 'At most this many' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -l dead -d 'Those given up alone'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -l waiting -d 'Those still to be delivered alone'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -f -a "list" -d 'List messages and where they stand'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -f -a "show" -d 'Show one message with each attempt to deliver it'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -f -a "resend" -d 'Send messages once more that were given up, through the running daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and not __fish_seen_subcommand_from list show resend help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l receiver -d 'Those to this receiver alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l alert -d 'Those about this alert alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l limit -d 'At most this many' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l dead -d 'Those given up alone'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l waiting -d 'Those still to be delivered alone'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from show" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from show" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from resend" -l receiver -d 'Of this receiver alone' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from resend" -l since -d 'Given up within this time alone, as in 2d' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from resend" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from resend" -l all-dead -d 'Everything that was given up and is not told again already'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from resend" -l force -d 'Send again what was not given up, too'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from resend" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from resend" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "list" -d 'List messages and where they stand'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one message with each attempt to deliver it'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "resend" -d 'Send messages once more that were given up, through the running daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and not __fish_seen_subcommand_from list send help" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and not __fish_seen_subcommand_from list send help" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and not __fish_seen_subcommand_from list send help" -f -a "list" -d 'List the digests of the rules in force, with their next due times in words and in their own zones'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and not __fish_seen_subcommand_from list send help" -f -a "send" -d 'Send a digest now, marked as asked for by hand; the next one comes at its own time and says everything that this one says'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and not __fish_seen_subcommand_from list send help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from list" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from list" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from send" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from send" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from send" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the digests of the rules in force, with their next due times in words and in their own zones'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from help" -f -a "send" -d 'Send a digest now, marked as asked for by hand; the next one comes at its own time and says everything that this one says'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand digest; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand preview" -l receiver -d 'The receiver, as the rule files name it' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand preview" -l out -d 'The folder that the files are written to' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand preview" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand preview" -l phi -d 'Show what leaves to receivers of `phi: full` alone, such as names; the log records who did'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand preview" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and not __fish_seen_subcommand_from recover webhooks secret help" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and not __fish_seen_subcommand_from recover webhooks secret help" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and not __fish_seen_subcommand_from recover webhooks secret help" -f -a "recover" -d 'Take in from Impilo\'s webhook log what did not arrive; exit code 1 where rows of it cannot be read'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and not __fish_seen_subcommand_from recover webhooks secret help" -f -a "webhooks" -d 'The subscriptions by which Impilo sends webhooks'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and not __fish_seen_subcommand_from recover webhooks secret help" -f -a "secret" -d 'The secret that Impilo\'s webhooks carry'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and not __fish_seen_subcommand_from recover webhooks secret help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from recover" -l since -d 'From when on: an instant, or how long ago; 30 days are read at once at most' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from recover" -l until -d 'Until when; now by default' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from recover" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from recover" -l dry-run -d 'Only say what is missing, and take nothing in'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from recover" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from webhooks" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from webhooks" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from webhooks" -f -a "list" -d 'List the subscriptions of the account, and which lead to this daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from webhooks" -f -a "sync" -d 'Compare the subscriptions with those that the rules in force and the state of devices need; changes nothing without --apply'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from webhooks" -f -a "test" -d 'Let Impilo send a test webhook, and wait for it; exit code 1 where it does not come'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from webhooks" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from secret" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from secret" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from secret" -f -a "rotate" -d 'Give Impilo a new webhook secret, and accept the old one for four hours more'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from secret" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Take in from Impilo\'s webhook log what did not arrive; exit code 1 where rows of it cannot be read'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from help" -f -a "webhooks" -d 'The subscriptions by which Impilo sends webhooks'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from help" -f -a "secret" -d 'The secret that Impilo\'s webhooks carry'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand impilo; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand doctor" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand doctor" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and not __fish_seen_subcommand_from test help" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and not __fish_seen_subcommand_from test help" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and not __fish_seen_subcommand_from test help" -f -a "test" -d 'Send a marked test message to a receiver, through the running daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and not __fish_seen_subcommand_from test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and __fish_seen_subcommand_from test" -l receiver -d 'The same' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and __fish_seen_subcommand_from test" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and __fish_seen_subcommand_from test" -l json -d 'Print JSON for programs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and __fish_seen_subcommand_from help" -f -a "test" -d 'Send a marked test message to a receiver, through the running daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand notify; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l listen -d 'Where the stand-in listens' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l out -d 'Write the history to this file, one envelope a line, and end; - is the standard output' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l seed -d 'Another seed is another history' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l devices -d 'How many devices there are' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l days -d 'How many days are told' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l begin -d 'When the history begins, as in 2026-01-05T00:00:00Z; now by default' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l speed -d 'Let time pass this many times faster' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l api-key -d 'What the header Impilo-API-Key must hold' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l secret -d 'The webhook secret that the account has at first; none by default' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l subscribe -d 'Send every type of webhook to this URL from the start on' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l truth -d 'Write what goes wrong in the fleet to this file, one line of JSON for each; - is the standard output' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l parallel -d 'Webhooks under way at once, at most' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l patience -d 'How long an answer to a webhook is waited for' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l log-for -d 'For how long the log keeps its rows' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l log-rows -d 'How many rows the log keeps at most; one that may yet be sent again stays in any case' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l duplicates -d 'The share of attempts whose answer is lost, so that what was taken comes again' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l reordered -d 'The share of attempts that later ones overtake' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l late -d 'The share of webhooks that are sent late' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l late-by -d 'How late at most' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l batch -d 'Send retries in batches this far apart, so that they come later than documented' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l wrong-secrets -d 'The share of attempts with a secret that is not the account\'s' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l odd -d 'The share of webhooks that are written in odd ways that Impilo\'s documents show' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l undelivered -d 'When nothing is delivered, counted from the begin, as in 2h..6h' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l api-down -d 'When the API answers 503, counted from the begin, as in 2h..3h' -r
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l log-payload -d 'What the log tells as payload' -r -f -a "envelope\t'The whole envelope'
payload\t'The envelope\'s payload'
single-quotes\t'With single quotes, which is no JSON'
cut\t'Cut off in the middle'
mixed\t'Another of these from row to row'"
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l once -d 'End once the history is told and nothing is left to send'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -l by-hand -d 'Let time stand still until POST /simulate/clock moves it'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand schema" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand completions" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand completions" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand man" -l config -d 'The configuration file' -r -F
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand man" -s h -l help -d 'Print help'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "serve" -d 'Run the daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "reload" -d 'Let the running daemon read configuration and rules again; exit code 1 where they cannot be used'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "demo" -d 'Show what Pulsewarden does, on a day with invented devices; needs no configuration, network or account'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "status" -d 'How the daemon is doing, on one screen; exit code 1 where something is wrong'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "check" -d 'Check configuration and rule files; shows every problem at once'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "routes" -d 'Show the tree of routes, and who would be told of an alert'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "test" -d 'Run the test cases beside the rules: invented events, and which alerts and messages must come of them'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "backtest" -d 'What rules would have made of recorded events: which alerts, when, for whom; and how another rule set differs'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "score" -d 'Score rules against an invented fleet: what they find of what is really wrong in it, and what they tell without a reason'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "alerts" -d 'List alerts, or show one with its moves, its evidence and where each message went'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "ack" -d 'Take alerts on: they are not repeated, and nobody else is called'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "unack" -d 'Give alerts back: their receivers are told again, and escalation counts from now'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "assign" -d 'Say who is to see to alerts'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "note" -d 'Write something about alerts'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "resolve" -d 'Say that alerts are over, whatever the devices say'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "silence" -d 'Tell nobody of some alerts, for a time'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "audit" -d 'Who did what about alerts and silences, and how'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "explain" -d 'Say why an alert fired and ended, or why a rule does not fire for a subject, and when it would'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "devices" -d 'List devices, or show one with its state, its alerts, and why rules did not fire'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "events" -d 'List events, newest first; shows no payload'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "deliveries" -d 'List messages and where they stand, show one with each attempt, or send again what was given up'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "digest" -d 'List digests, or send one now'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "preview" -d 'Write a message to files as it would go to a receiver: the HTML and the text of the mail, the JSON for Slack'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "impilo" -d 'Ask Impilo, through the running daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "doctor" -d 'Check everything between this daemon and Impilo, and say what to do; exit code 1 where something is wrong or cannot be told'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "notify" -d 'Try a receiver'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "simulate" -d 'Play Impilo with an invented fleet: its documented interface over HTTP, and webhooks with its schedule of retries'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "schema" -d 'Print the JSON Schema of rule files or of their tests, by which editors complete, explain and check them'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "completions" -d 'Print completions for a shell'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "man" -d 'Print the manual page'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and not __fish_seen_subcommand_from serve reload demo status check routes test backtest score alerts ack unack assign note resolve silence audit explain devices events deliveries digest preview impilo doctor notify simulate schema completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from routes" -f -a "show" -d 'Show the tree of routes'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from routes" -f -a "test" -d 'Say who would be told of an alert with these labels, and when'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from silence" -f -a "add" -d 'Make a silence; says first what it hides'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from silence" -f -a "list" -d 'List silences that are not over'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from silence" -f -a "end" -d 'End a silence now; what it hid and is still so is told'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from deliveries" -f -a "list" -d 'List messages and where they stand'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from deliveries" -f -a "show" -d 'Show one message with each attempt to deliver it'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from deliveries" -f -a "resend" -d 'Send messages once more that were given up, through the running daemon'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from digest" -f -a "list" -d 'List the digests of the rules in force, with their next due times in words and in their own zones'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from digest" -f -a "send" -d 'Send a digest now, marked as asked for by hand; the next one comes at its own time and says everything that this one says'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from impilo" -f -a "recover" -d 'Take in from Impilo\'s webhook log what did not arrive; exit code 1 where rows of it cannot be read'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from impilo" -f -a "webhooks" -d 'The subscriptions by which Impilo sends webhooks'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from impilo" -f -a "secret" -d 'The secret that Impilo\'s webhooks carry'
complete -c pulsewarden -n "__fish_pulsewarden_using_subcommand help; and __fish_seen_subcommand_from notify" -f -a "test" -d 'Send a marked test message to a receiver, through the running daemon'
