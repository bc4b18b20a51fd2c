#compdef pulsewarden

autoload -U is-at-least

_pulsewarden() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_pulsewarden_commands" \
"*::: :->pulsewarden" \
&& ret=0
    case $state in
    (pulsewarden)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-command-$line[1]:"
        case $line[1] in
            (serve)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(reload)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(demo)
_arguments "${_arguments_options[@]}" : \
'--port=[Where the demo listens; a free port of the loopback by default]:PORT:_default' \
'--speed=[Tell the story this many times faster]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'--keep[Keep running after the story until Ctrl-C, also where there is no terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
'--rules=[Check the rule files in this folder alone, without a configuration]:FOLDER:_files' \
'--library=[With --rules\: the folder of the shipped rules, which the files there may change]:FOLDER:_files' \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(routes)
_arguments "${_arguments_options[@]}" : \
'--rules=[Read the rule files in this folder, without a configuration]:FOLDER:_files' \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__routes_commands" \
"*::: :->routes" \
&& ret=0

    case $state in
    (routes)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-routes-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
'--rules=[Read the rule files in this folder, without a configuration]:FOLDER:_files' \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
'--at=[For one that fires then, as in 2026-03-07T22\:00\:00Z, where that is not now]:TIME:_default' \
'--rules=[Read the rule files in this folder, without a configuration]:FOLDER:_files' \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
'*::labels -- Labels of the alert, as in severity=critical "site=North Clinic":_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__routes__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-routes-help-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(test)
_arguments "${_arguments_options[@]}" : \
'--rules=[Test the rules in this folder; otherwise the folder of the test files itself]:FOLDER:_files' \
'--library=[The folder of the shipped rules, which those under test may change; otherwise the configured one]:FOLDER:_files' \
'--run=[Run only tests with this in their names]:TEXT:_default' \
'--junit=[Write the results to this file too, as JUnit'\''s XML]:FILE:_files' \
'(--run --junit --coverage)--record=[Print a test case made from these events of the store\: journal rows as in 120-140,155, or id\:57637002]:EVENTS:_default' \
'--store=[With --record\: the file of the store; otherwise the configured one]:FILE:_files' \
'--config=[The configuration file]:FILE:_files' \
'--coverage[Say which rules no test expects anything of]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Test files, or folders in which to look for them; the configured folder of rules where none is given:_files' \
&& ret=0
;;
(backtest)
_arguments "${_arguments_options[@]}" : \
'(--from)--since=[Look at this long before the end, as in 30d; otherwise at all that there is]:LENGTH:_default' \
'--from=[Look at what came from then on\: a date, or an instant as in 2026-03-02T10\:00\:00Z]:TIME:_default' \
'--until=[Look at what came until then; otherwise until now, or until the last event of a file]:TIME:_default' \
'--rules=[Try the rules in this folder instead of those in force]:FOLDER:_files' \
'--library=[With a folder of rules\: the folder of the shipped ones; otherwise the configured one]:FOLDER:_files' \
'--against=[Compare with an older rule set\: a folder, the hash of a stored one, or \`live\` for the one in force]:FOLDER|HASH|live:_default' \
'--events=[Read events from this file, one a line, instead of the store]:FILE:_files' \
'--store=[The file of the store; otherwise the configured one]:FILE:_files' \
'--limit=[List at most this many alerts and differences]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'--exit-code[Exit with code 1 where the two rule sets differ]' \
'--json[Print JSON for programs\: every alert and every difference]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(score)
_arguments "${_arguments_options[@]}" : \
'--devices=[How many devices the fleet has]:N:_default' \
'--days=[How many days of its life are told]:N:_default' \
'--seed=[Another number is another history]:N:_default' \
'--rules=[Try the rules in this folder; otherwise the configured ones]:FOLDER:_files' \
'--library=[The folder of the shipped rules, which those under trial may change; otherwise the configured one]:FOLDER:_files' \
'--limit=[List at most this many missed problems, and as many false alerts]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'--disturbed[Let webhooks come late, twice and out of order, as Impilo'\''s retries make them]' \
'--json[Print JSON for programs\: every missed problem and every false alert]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(alerts)
_arguments "${_arguments_options[@]}" : \
'--device=[Alerts of this device alone, by Impilo'\''s id]:ID:_default' \
'--limit=[At most this many]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'--all[Ended ones too]' \
'--phi[Show what leaves under \`phi\: full\` alone, such as names and notes; the log records who did]' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'::number -- Show this alert alone, with everything about it:_default' \
&& ret=0
;;
(ack)
_arguments "${_arguments_options[@]}" : \
'--by=[Who does it, where that is not you]:NAME:_default' \
'--for=[For this long, as in 5d; then it is told and escalated anew]:LENGTH:_default' \
'--note=[Write this about it, too]:TEXT:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'*::alerts -- Numbers of alerts:_default' \
&& ret=0
;;
(unack)
_arguments "${_arguments_options[@]}" : \
'--by=[Who does it, where that is not you]:NAME:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'*::alerts -- Numbers of alerts:_default' \
&& ret=0
;;
(assign)
_arguments "${_arguments_options[@]}" : \
'--by=[Who does it, where that is not you]:NAME:_default' \
'(--nobody)--to=[Who is to see to it]:NAME:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'--nobody[Take the assignment back]' \
'-h[Print help]' \
'--help[Print help]' \
'*::alerts -- Numbers of alerts:_default' \
&& ret=0
;;
(note)
_arguments "${_arguments_options[@]}" : \
'--by=[Who does it, where that is not you]:NAME:_default' \
'--text=[What to write; it may name people, and leaves to receivers of \`phi\: full\` alone]:TEXT:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'*::alerts -- Numbers of alerts:_default' \
&& ret=0
;;
(resolve)
_arguments "${_arguments_options[@]}" : \
'--by=[Who does it, where that is not you]:NAME:_default' \
'--note=[Write this about it, too]:TEXT:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'*::alerts -- Numbers of alerts:_default' \
&& ret=0
;;
(silence)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__silence_commands" \
"*::: :->silence" \
&& ret=0

    case $state in
    (silence)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-silence-command-$line[1]:"
        case $line[1] in
            (add)
_arguments "${_arguments_options[@]}" : \
'--for=[How long, as in 4h]:LENGTH:_default' \
'--until=[Until then, as in 2026-03-02T18\:00\:00Z]:TIME:_default' \
'(--until-resolved)--from=[From then on, where that is not now]:TIME:_default' \
'--comment=[Why, for those who find it]:TEXT:_default' \
'--by=[Who does it, where that is not you]:NAME:_default' \
'--config=[The configuration file]:FILE:_files' \
'--until-resolved[Until the alerts that match now have ended; those that come later are told]' \
'--dry-run[Only say what it would hide]' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'*::matchers -- What the labels of alerts must be\: device=81500, "site=North Clinic", '\''alertname=~"Device.*"'\'':_default' \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--all[Those that are over, too]' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(end)
_arguments "${_arguments_options[@]}" : \
'--by=[Who does it, where that is not you]:NAME:_default' \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
':silence -- Its number:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__silence__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-silence-help-command-$line[1]:"
        case $line[1] in
            (add)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(end)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(audit)
_arguments "${_arguments_options[@]}" : \
'--alert=[What was done about this alert alone]:ALERT:_default' \
'--limit=[At most this many]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'--phi[Show what was written, too; it may name people]' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--phi[With an alert\: show what leaves under \`phi\: full\` alone, such as names; the log records who did]' \
'--json[Print JSON for programs]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::what -- An alert'\''s number; or a rule with the kind and the id of a subject; or a subject alone:_default' \
&& ret=0
;;
(devices)
_arguments "${_arguments_options[@]}" : \
'--limit=[At most this many]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'::id -- Show this device alone, by Impilo'\''s id:_default' \
&& ret=0
;;
(events)
_arguments "${_arguments_options[@]}" : \
'--type=[Events of this type alone]:TYPE:_default' \
'--device=[Events that speak of this device alone, by Impilo'\''s id]:ID:_default' \
'--limit=[At most this many]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(deliveries)
_arguments "${_arguments_options[@]}" : \
'--receiver=[Those to this receiver alone]:NAME:_default' \
'--alert=[Those about this alert alone]:NUMBER:_default' \
'--limit=[At most this many]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'(--waiting)--dead[Those given up alone]' \
'--waiting[Those still to be delivered alone]' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__deliveries_commands" \
"*::: :->deliveries" \
&& ret=0

    case $state in
    (deliveries)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-deliveries-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--receiver=[Those to this receiver alone]:NAME:_default' \
'--alert=[Those about this alert alone]:NUMBER:_default' \
'--limit=[At most this many]:N:_default' \
'--config=[The configuration file]:FILE:_files' \
'(--waiting)--dead[Those given up alone]' \
'--waiting[Those still to be delivered alone]' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
':id -- As the list shows it:_default' \
&& ret=0
;;
(resend)
_arguments "${_arguments_options[@]}" : \
'--receiver=[Of this receiver alone]:NAME:_default' \
'--since=[Given up within this time alone, as in 2d]:LENGTH:_default' \
'--config=[The configuration file]:FILE:_files' \
'--all-dead[Everything that was given up and is not told again already]' \
'(--all-dead)--force[Send again what was not given up, too]' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'*::ids -- Messages, as the list shows them:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__deliveries__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-deliveries-help-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(resend)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(digest)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__digest_commands" \
"*::: :->digest" \
&& ret=0

    case $state in
    (digest)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-digest-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(send)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
':name -- The digest, as the rule files name it:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__digest__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-digest-help-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(send)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(preview)
_arguments "${_arguments_options[@]}" : \
'--receiver=[The receiver, as the rule files name it]:RECEIVER:_default' \
'--out=[The folder that the files are written to]:FOLDER:_files' \
'--config=[The configuration file]:FILE:_files' \
'--phi[Show what leaves to receivers of \`phi\: full\` alone, such as names; the log records who did]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':what -- An alert'\''s number, or the name of a digest; or that of a rule, for an alert with invented values:_default' \
&& ret=0
;;
(impilo)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__impilo_commands" \
"*::: :->impilo" \
&& ret=0

    case $state in
    (impilo)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-command-$line[1]:"
        case $line[1] in
            (recover)
_arguments "${_arguments_options[@]}" : \
'--since=[From when on\: an instant, or how long ago; 30 days are read at once at most]:TIME:_default' \
'--until=[Until when; now by default]:TIME:_default' \
'--config=[The configuration file]:FILE:_files' \
'--dry-run[Only say what is missing, and take nothing in]' \
'--json[Print JSON for programs]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(webhooks)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__impilo__subcmd__webhooks_commands" \
"*::: :->webhooks" \
&& ret=0

    case $state in
    (webhooks)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-webhooks-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(sync)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--apply[Carry the plan out]' \
'--delete-unknown[Also delete needless subscriptions to this daemon that it did not make]' \
'--json[Print JSON for programs]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
'--wait=[How long to wait for it]:LENGTH:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-webhooks-help-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sync)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(secret)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__impilo__subcmd__secret_commands" \
"*::: :->secret" \
&& ret=0

    case $state in
    (secret)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-secret-command-$line[1]:"
        case $line[1] in
            (rotate)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--yes[Also where other addresses get the new secret, and refuse webhooks until they know it]' \
'--json[Print JSON for programs]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-secret-help-command-$line[1]:"
        case $line[1] in
            (rotate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__impilo__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-help-command-$line[1]:"
        case $line[1] in
            (recover)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(webhooks)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks_commands" \
"*::: :->webhooks" \
&& ret=0

    case $state in
    (webhooks)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-help-webhooks-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sync)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(secret)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__impilo__subcmd__help__subcmd__secret_commands" \
"*::: :->secret" \
&& ret=0

    case $state in
    (secret)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-impilo-help-secret-command-$line[1]:"
        case $line[1] in
            (rotate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(notify)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
":: :_pulsewarden__subcmd__notify_commands" \
"*::: :->notify" \
&& ret=0

    case $state in
    (notify)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-notify-command-$line[1]:"
        case $line[1] in
            (test)
_arguments "${_arguments_options[@]}" : \
'--receiver=[The same]:RECEIVER:_default' \
'--config=[The configuration file]:FILE:_files' \
'--json[Print JSON for programs]' \
'-h[Print help]' \
'--help[Print help]' \
'::receiver -- The receiver, as the rule files name it:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__notify__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-notify-help-command-$line[1]:"
        case $line[1] in
            (test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(simulate)
_arguments "${_arguments_options[@]}" : \
'--listen=[Where the stand-in listens]:ADDRESS:_default' \
'(--listen --speed --by-hand --api-key --secret --subscribe --once --api-down --log-payload)--out=[Write the history to this file, one envelope a line, and end; - is the standard output]:FILE:_files' \
'--seed=[Another seed is another history]:N:_default' \
'--devices=[How many devices there are]:N:_default' \
'--days=[How many days are told]:N:_default' \
'--begin=[When the history begins, as in 2026-01-05T00\:00\:00Z; now by default]:TIME:_default' \
'(--by-hand)--speed=[Let time pass this many times faster]:N:_default' \
'--api-key=[What the header Impilo-API-Key must hold]:KEY:_default' \
'--secret=[The webhook secret that the account has at first; none by default]:SECRET:_default' \
'--subscribe=[Send every type of webhook to this URL from the start on]:URL:_default' \
'--truth=[Write what goes wrong in the fleet to this file, one line of JSON for each; - is the standard output]:FILE:_files' \
'--parallel=[Webhooks under way at once, at most]:N:_default' \
'--patience=[How long an answer to a webhook is waited for]:LENGTH:_default' \
'--log-for=[For how long the log keeps its rows]:LENGTH:_default' \
'--log-rows=[How many rows the log keeps at most; one that may yet be sent again stays in any case]:N:_default' \
'--duplicates=[The share of attempts whose answer is lost, so that what was taken comes again]:SHARE:_default' \
'--reordered=[The share of attempts that later ones overtake]:SHARE:_default' \
'--late=[The share of webhooks that are sent late]:SHARE:_default' \
'--late-by=[How late at most]:LENGTH:_default' \
'--batch=[Send retries in batches this far apart, so that they come later than documented]:LENGTH:_default' \
'--wrong-secrets=[The share of attempts with a secret that is not the account'\''s]:SHARE:_default' \
'--odd=[The share of webhooks that are written in odd ways that Impilo'\''s documents show]:SHARE:_default' \
'*--undelivered=[When nothing is delivered, counted from the begin, as in 2h..6h]:FROM..UNTIL:_default' \
'*--api-down=[When the API answers 503, counted from the begin, as in 2h..3h]:FROM..UNTIL:_default' \
'--log-payload=[What the log tells as payload]:FORM:((envelope\:"The whole envelope"
payload\:"The envelope'\''s payload"
single-quotes\:"With single quotes, which is no JSON"
cut\:"Cut off in the middle"
mixed\:"Another of these from row to row"))' \
'--config=[The configuration file]:FILE:_files' \
'--once[End once the history is told and nothing is left to send]' \
'--by-hand[Let time stand still until POST /simulate/clock moves it]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(schema)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::of -- Of which files:((rules\:"Rule files"
tests\:"Tests of rules, whose names end in .test.yaml"))' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
':shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-command-$line[1]:"
        case $line[1] in
            (serve)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(reload)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(demo)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(routes)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__routes_commands" \
"*::: :->routes" \
&& ret=0

    case $state in
    (routes)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-routes-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(backtest)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(score)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(alerts)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(ack)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(unack)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(assign)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(note)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(resolve)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(silence)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__silence_commands" \
"*::: :->silence" \
&& ret=0

    case $state in
    (silence)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-silence-command-$line[1]:"
        case $line[1] in
            (add)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(end)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(audit)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(devices)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(events)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(deliveries)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__deliveries_commands" \
"*::: :->deliveries" \
&& ret=0

    case $state in
    (deliveries)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-deliveries-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(resend)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(digest)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__digest_commands" \
"*::: :->digest" \
&& ret=0

    case $state in
    (digest)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-digest-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(send)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(preview)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(impilo)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__impilo_commands" \
"*::: :->impilo" \
&& ret=0

    case $state in
    (impilo)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-impilo-command-$line[1]:"
        case $line[1] in
            (recover)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(webhooks)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks_commands" \
"*::: :->webhooks" \
&& ret=0

    case $state in
    (webhooks)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-impilo-webhooks-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sync)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(secret)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__impilo__subcmd__secret_commands" \
"*::: :->secret" \
&& ret=0

    case $state in
    (secret)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-impilo-secret-command-$line[1]:"
        case $line[1] in
            (rotate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(notify)
_arguments "${_arguments_options[@]}" : \
":: :_pulsewarden__subcmd__help__subcmd__notify_commands" \
"*::: :->notify" \
&& ret=0

    case $state in
    (notify)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pulsewarden-help-notify-command-$line[1]:"
        case $line[1] in
            (test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(simulate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(schema)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_pulsewarden_commands] )) ||
_pulsewarden_commands() {
    local commands; commands=(
'serve:Run the daemon' \
'reload:Let the running daemon read configuration and rules again; exit code 1 where they cannot be used' \
'demo:Show what Pulsewarden does, on a day with invented devices; needs no configuration, network or account' \
'status:How the daemon is doing, on one screen; exit code 1 where something is wrong' \
'check:Check configuration and rule files; shows every problem at once' \
'routes:Show the tree of routes, and who would be told of an alert' \
'test:Run the test cases beside the rules\: invented events, and which alerts and messages must come of them' \
'backtest:What rules would have made of recorded events\: which alerts, when, for whom; and how another rule set differs' \
'score:Score rules against an invented fleet\: what they find of what is really wrong in it, and what they tell without a reason' \
'alerts:List alerts, or show one with its moves, its evidence and where each message went' \
'ack:Take alerts on\: they are not repeated, and nobody else is called' \
'unack:Give alerts back\: their receivers are told again, and escalation counts from now' \
'assign:Say who is to see to alerts' \
'note:Write something about alerts' \
'resolve:Say that alerts are over, whatever the devices say' \
'silence:Tell nobody of some alerts, for a time' \
'audit:Who did what about alerts and silences, and how' \
'explain:Say why an alert fired and ended, or why a rule does not fire for a subject, and when it would' \
'devices:List devices, or show one with its state, its alerts, and why rules did not fire' \
'events:List events, newest first; shows no payload' \
'deliveries:List messages and where they stand, show one with each attempt, or send again what was given up' \
'digest:List digests, or send one now' \
'preview:Write a message to files as it would go to a receiver\: the HTML and the text of the mail, the JSON for Slack' \
'impilo:Ask Impilo, through the running daemon' \
'doctor:Check everything between this daemon and Impilo, and say what to do; exit code 1 where something is wrong or cannot be told' \
'notify:Try a receiver' \
'simulate:Play Impilo with an invented fleet\: its documented interface over HTTP, and webhooks with its schedule of retries' \
'schema:Print the JSON Schema of rule files or of their tests, by which editors complete, explain and check them' \
'completions:Print completions for a shell' \
'man:Print the manual page' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__ack_commands] )) ||
_pulsewarden__subcmd__ack_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden ack commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__alerts_commands] )) ||
_pulsewarden__subcmd__alerts_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden alerts commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__assign_commands] )) ||
_pulsewarden__subcmd__assign_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden assign commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__audit_commands] )) ||
_pulsewarden__subcmd__audit_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden audit commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__backtest_commands] )) ||
_pulsewarden__subcmd__backtest_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden backtest commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__check_commands] )) ||
_pulsewarden__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden check commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__completions_commands] )) ||
_pulsewarden__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden completions commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries_commands] )) ||
_pulsewarden__subcmd__deliveries_commands() {
    local commands; commands=(
'list:List messages and where they stand' \
'show:Show one message with each attempt to deliver it' \
'resend:Send messages once more that were given up, through the running daemon' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden deliveries commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__help_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__help_commands() {
    local commands; commands=(
'list:List messages and where they stand' \
'show:Show one message with each attempt to deliver it' \
'resend:Send messages once more that were given up, through the running daemon' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden deliveries help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden deliveries help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__list_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden deliveries help list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__resend_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__resend_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden deliveries help resend commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__show_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden deliveries help show commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__list_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden deliveries list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__resend_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__resend_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden deliveries resend commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__deliveries__subcmd__show_commands] )) ||
_pulsewarden__subcmd__deliveries__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden deliveries show commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__demo_commands] )) ||
_pulsewarden__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden demo commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__devices_commands] )) ||
_pulsewarden__subcmd__devices_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden devices commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__digest_commands] )) ||
_pulsewarden__subcmd__digest_commands() {
    local commands; commands=(
'list:List the digests of the rules in force, with their next due times in words and in their own zones' \
'send:Send a digest now, marked as asked for by hand; the next one comes at its own time and says everything that this one says' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden digest commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__digest__subcmd__help_commands] )) ||
_pulsewarden__subcmd__digest__subcmd__help_commands() {
    local commands; commands=(
'list:List the digests of the rules in force, with their next due times in words and in their own zones' \
'send:Send a digest now, marked as asked for by hand; the next one comes at its own time and says everything that this one says' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden digest help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__digest__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__digest__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden digest help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__digest__subcmd__help__subcmd__list_commands] )) ||
_pulsewarden__subcmd__digest__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden digest help list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__digest__subcmd__help__subcmd__send_commands] )) ||
_pulsewarden__subcmd__digest__subcmd__help__subcmd__send_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden digest help send commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__digest__subcmd__list_commands] )) ||
_pulsewarden__subcmd__digest__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden digest list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__digest__subcmd__send_commands] )) ||
_pulsewarden__subcmd__digest__subcmd__send_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden digest send commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__doctor_commands] )) ||
_pulsewarden__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden doctor commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__events_commands] )) ||
_pulsewarden__subcmd__events_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden events commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__explain_commands] )) ||
_pulsewarden__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden explain commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help_commands] )) ||
_pulsewarden__subcmd__help_commands() {
    local commands; commands=(
'serve:Run the daemon' \
'reload:Let the running daemon read configuration and rules again; exit code 1 where they cannot be used' \
'demo:Show what Pulsewarden does, on a day with invented devices; needs no configuration, network or account' \
'status:How the daemon is doing, on one screen; exit code 1 where something is wrong' \
'check:Check configuration and rule files; shows every problem at once' \
'routes:Show the tree of routes, and who would be told of an alert' \
'test:Run the test cases beside the rules\: invented events, and which alerts and messages must come of them' \
'backtest:What rules would have made of recorded events\: which alerts, when, for whom; and how another rule set differs' \
'score:Score rules against an invented fleet\: what they find of what is really wrong in it, and what they tell without a reason' \
'alerts:List alerts, or show one with its moves, its evidence and where each message went' \
'ack:Take alerts on\: they are not repeated, and nobody else is called' \
'unack:Give alerts back\: their receivers are told again, and escalation counts from now' \
'assign:Say who is to see to alerts' \
'note:Write something about alerts' \
'resolve:Say that alerts are over, whatever the devices say' \
'silence:Tell nobody of some alerts, for a time' \
'audit:Who did what about alerts and silences, and how' \
'explain:Say why an alert fired and ended, or why a rule does not fire for a subject, and when it would' \
'devices:List devices, or show one with its state, its alerts, and why rules did not fire' \
'events:List events, newest first; shows no payload' \
'deliveries:List messages and where they stand, show one with each attempt, or send again what was given up' \
'digest:List digests, or send one now' \
'preview:Write a message to files as it would go to a receiver\: the HTML and the text of the mail, the JSON for Slack' \
'impilo:Ask Impilo, through the running daemon' \
'doctor:Check everything between this daemon and Impilo, and say what to do; exit code 1 where something is wrong or cannot be told' \
'notify:Try a receiver' \
'simulate:Play Impilo with an invented fleet\: its documented interface over HTTP, and webhooks with its schedule of retries' \
'schema:Print the JSON Schema of rule files or of their tests, by which editors complete, explain and check them' \
'completions:Print completions for a shell' \
'man:Print the manual page' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__ack_commands] )) ||
_pulsewarden__subcmd__help__subcmd__ack_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help ack commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__alerts_commands] )) ||
_pulsewarden__subcmd__help__subcmd__alerts_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help alerts commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__assign_commands] )) ||
_pulsewarden__subcmd__help__subcmd__assign_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help assign commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__audit_commands] )) ||
_pulsewarden__subcmd__help__subcmd__audit_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help audit commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__backtest_commands] )) ||
_pulsewarden__subcmd__help__subcmd__backtest_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help backtest commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__check_commands] )) ||
_pulsewarden__subcmd__help__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help check commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__completions_commands] )) ||
_pulsewarden__subcmd__help__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help completions commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__deliveries_commands] )) ||
_pulsewarden__subcmd__help__subcmd__deliveries_commands() {
    local commands; commands=(
'list:List messages and where they stand' \
'show:Show one message with each attempt to deliver it' \
'resend:Send messages once more that were given up, through the running daemon' \
    )
    _describe -t commands 'pulsewarden help deliveries commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__deliveries__subcmd__list_commands] )) ||
_pulsewarden__subcmd__help__subcmd__deliveries__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help deliveries list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__deliveries__subcmd__resend_commands] )) ||
_pulsewarden__subcmd__help__subcmd__deliveries__subcmd__resend_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help deliveries resend commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__deliveries__subcmd__show_commands] )) ||
_pulsewarden__subcmd__help__subcmd__deliveries__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help deliveries show commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__demo_commands] )) ||
_pulsewarden__subcmd__help__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help demo commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__devices_commands] )) ||
_pulsewarden__subcmd__help__subcmd__devices_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help devices commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__digest_commands] )) ||
_pulsewarden__subcmd__help__subcmd__digest_commands() {
    local commands; commands=(
'list:List the digests of the rules in force, with their next due times in words and in their own zones' \
'send:Send a digest now, marked as asked for by hand; the next one comes at its own time and says everything that this one says' \
    )
    _describe -t commands 'pulsewarden help digest commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__digest__subcmd__list_commands] )) ||
_pulsewarden__subcmd__help__subcmd__digest__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help digest list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__digest__subcmd__send_commands] )) ||
_pulsewarden__subcmd__help__subcmd__digest__subcmd__send_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help digest send commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__doctor_commands] )) ||
_pulsewarden__subcmd__help__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help doctor commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__events_commands] )) ||
_pulsewarden__subcmd__help__subcmd__events_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help events commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__explain_commands] )) ||
_pulsewarden__subcmd__help__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help explain commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo_commands() {
    local commands; commands=(
'recover:Take in from Impilo'\''s webhook log what did not arrive; exit code 1 where rows of it cannot be read' \
'webhooks:The subscriptions by which Impilo sends webhooks' \
'secret:The secret that Impilo'\''s webhooks carry' \
    )
    _describe -t commands 'pulsewarden help impilo commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo__subcmd__recover_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo__subcmd__recover_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help impilo recover commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo__subcmd__secret_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo__subcmd__secret_commands() {
    local commands; commands=(
'rotate:Give Impilo a new webhook secret, and accept the old one for four hours more' \
    )
    _describe -t commands 'pulsewarden help impilo secret commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo__subcmd__secret__subcmd__rotate_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo__subcmd__secret__subcmd__rotate_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help impilo secret rotate commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks_commands() {
    local commands; commands=(
'list:List the subscriptions of the account, and which lead to this daemon' \
'sync:Compare the subscriptions with those that the rules in force and the state of devices need; changes nothing without --apply' \
'test:Let Impilo send a test webhook, and wait for it; exit code 1 where it does not come' \
    )
    _describe -t commands 'pulsewarden help impilo webhooks commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks__subcmd__list_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help impilo webhooks list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks__subcmd__sync_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks__subcmd__sync_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help impilo webhooks sync commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks__subcmd__test_commands] )) ||
_pulsewarden__subcmd__help__subcmd__impilo__subcmd__webhooks__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help impilo webhooks test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__man_commands] )) ||
_pulsewarden__subcmd__help__subcmd__man_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help man commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__note_commands] )) ||
_pulsewarden__subcmd__help__subcmd__note_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help note commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__notify_commands] )) ||
_pulsewarden__subcmd__help__subcmd__notify_commands() {
    local commands; commands=(
'test:Send a marked test message to a receiver, through the running daemon' \
    )
    _describe -t commands 'pulsewarden help notify commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__notify__subcmd__test_commands] )) ||
_pulsewarden__subcmd__help__subcmd__notify__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help notify test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__preview_commands] )) ||
_pulsewarden__subcmd__help__subcmd__preview_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help preview commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__reload_commands] )) ||
_pulsewarden__subcmd__help__subcmd__reload_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help reload commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__resolve_commands] )) ||
_pulsewarden__subcmd__help__subcmd__resolve_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help resolve commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__routes_commands] )) ||
_pulsewarden__subcmd__help__subcmd__routes_commands() {
    local commands; commands=(
'show:Show the tree of routes' \
'test:Say who would be told of an alert with these labels, and when' \
    )
    _describe -t commands 'pulsewarden help routes commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__routes__subcmd__show_commands] )) ||
_pulsewarden__subcmd__help__subcmd__routes__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help routes show commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__routes__subcmd__test_commands] )) ||
_pulsewarden__subcmd__help__subcmd__routes__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help routes test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__schema_commands] )) ||
_pulsewarden__subcmd__help__subcmd__schema_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help schema commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__score_commands] )) ||
_pulsewarden__subcmd__help__subcmd__score_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help score commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__serve_commands] )) ||
_pulsewarden__subcmd__help__subcmd__serve_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help serve commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__silence_commands] )) ||
_pulsewarden__subcmd__help__subcmd__silence_commands() {
    local commands; commands=(
'add:Make a silence; says first what it hides' \
'list:List silences that are not over' \
'end:End a silence now; what it hid and is still so is told' \
    )
    _describe -t commands 'pulsewarden help silence commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__silence__subcmd__add_commands] )) ||
_pulsewarden__subcmd__help__subcmd__silence__subcmd__add_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help silence add commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__silence__subcmd__end_commands] )) ||
_pulsewarden__subcmd__help__subcmd__silence__subcmd__end_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help silence end commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__silence__subcmd__list_commands] )) ||
_pulsewarden__subcmd__help__subcmd__silence__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help silence list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__simulate_commands] )) ||
_pulsewarden__subcmd__help__subcmd__simulate_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help simulate commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__status_commands] )) ||
_pulsewarden__subcmd__help__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help status commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__test_commands] )) ||
_pulsewarden__subcmd__help__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__help__subcmd__unack_commands] )) ||
_pulsewarden__subcmd__help__subcmd__unack_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden help unack commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo_commands] )) ||
_pulsewarden__subcmd__impilo_commands() {
    local commands; commands=(
'recover:Take in from Impilo'\''s webhook log what did not arrive; exit code 1 where rows of it cannot be read' \
'webhooks:The subscriptions by which Impilo sends webhooks' \
'secret:The secret that Impilo'\''s webhooks carry' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden impilo commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help_commands() {
    local commands; commands=(
'recover:Take in from Impilo'\''s webhook log what did not arrive; exit code 1 where rows of it cannot be read' \
'webhooks:The subscriptions by which Impilo sends webhooks' \
'secret:The secret that Impilo'\''s webhooks carry' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden impilo help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__recover_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__recover_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo help recover commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__secret_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__secret_commands() {
    local commands; commands=(
'rotate:Give Impilo a new webhook secret, and accept the old one for four hours more' \
    )
    _describe -t commands 'pulsewarden impilo help secret commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__secret__subcmd__rotate_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__secret__subcmd__rotate_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo help secret rotate commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks_commands() {
    local commands; commands=(
'list:List the subscriptions of the account, and which lead to this daemon' \
'sync:Compare the subscriptions with those that the rules in force and the state of devices need; changes nothing without --apply' \
'test:Let Impilo send a test webhook, and wait for it; exit code 1 where it does not come' \
    )
    _describe -t commands 'pulsewarden impilo help webhooks commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks__subcmd__list_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo help webhooks list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks__subcmd__sync_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks__subcmd__sync_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo help webhooks sync commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks__subcmd__test_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__help__subcmd__webhooks__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo help webhooks test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__recover_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__recover_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo recover commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__secret_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__secret_commands() {
    local commands; commands=(
'rotate:Give Impilo a new webhook secret, and accept the old one for four hours more' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden impilo secret commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__help_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__help_commands() {
    local commands; commands=(
'rotate:Give Impilo a new webhook secret, and accept the old one for four hours more' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden impilo secret help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo secret help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__help__subcmd__rotate_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__help__subcmd__rotate_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo secret help rotate commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__rotate_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__secret__subcmd__rotate_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo secret rotate commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks_commands() {
    local commands; commands=(
'list:List the subscriptions of the account, and which lead to this daemon' \
'sync:Compare the subscriptions with those that the rules in force and the state of devices need; changes nothing without --apply' \
'test:Let Impilo send a test webhook, and wait for it; exit code 1 where it does not come' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden impilo webhooks commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help_commands() {
    local commands; commands=(
'list:List the subscriptions of the account, and which lead to this daemon' \
'sync:Compare the subscriptions with those that the rules in force and the state of devices need; changes nothing without --apply' \
'test:Let Impilo send a test webhook, and wait for it; exit code 1 where it does not come' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden impilo webhooks help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo webhooks help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__list_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo webhooks help list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__sync_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__sync_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo webhooks help sync commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__test_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__help__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo webhooks help test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__list_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo webhooks list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__sync_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__sync_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo webhooks sync commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__test_commands] )) ||
_pulsewarden__subcmd__impilo__subcmd__webhooks__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden impilo webhooks test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__man_commands] )) ||
_pulsewarden__subcmd__man_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden man commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__note_commands] )) ||
_pulsewarden__subcmd__note_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden note commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__notify_commands] )) ||
_pulsewarden__subcmd__notify_commands() {
    local commands; commands=(
'test:Send a marked test message to a receiver, through the running daemon' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden notify commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__notify__subcmd__help_commands] )) ||
_pulsewarden__subcmd__notify__subcmd__help_commands() {
    local commands; commands=(
'test:Send a marked test message to a receiver, through the running daemon' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden notify help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__notify__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__notify__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden notify help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__notify__subcmd__help__subcmd__test_commands] )) ||
_pulsewarden__subcmd__notify__subcmd__help__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden notify help test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__notify__subcmd__test_commands] )) ||
_pulsewarden__subcmd__notify__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden notify test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__preview_commands] )) ||
_pulsewarden__subcmd__preview_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden preview commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__reload_commands] )) ||
_pulsewarden__subcmd__reload_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden reload commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__resolve_commands] )) ||
_pulsewarden__subcmd__resolve_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden resolve commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__routes_commands] )) ||
_pulsewarden__subcmd__routes_commands() {
    local commands; commands=(
'show:Show the tree of routes' \
'test:Say who would be told of an alert with these labels, and when' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden routes commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__routes__subcmd__help_commands] )) ||
_pulsewarden__subcmd__routes__subcmd__help_commands() {
    local commands; commands=(
'show:Show the tree of routes' \
'test:Say who would be told of an alert with these labels, and when' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden routes help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__routes__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__routes__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden routes help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__routes__subcmd__help__subcmd__show_commands] )) ||
_pulsewarden__subcmd__routes__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden routes help show commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__routes__subcmd__help__subcmd__test_commands] )) ||
_pulsewarden__subcmd__routes__subcmd__help__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden routes help test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__routes__subcmd__show_commands] )) ||
_pulsewarden__subcmd__routes__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden routes show commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__routes__subcmd__test_commands] )) ||
_pulsewarden__subcmd__routes__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden routes test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__schema_commands] )) ||
_pulsewarden__subcmd__schema_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden schema commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__score_commands] )) ||
_pulsewarden__subcmd__score_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden score commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__serve_commands] )) ||
_pulsewarden__subcmd__serve_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden serve commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence_commands] )) ||
_pulsewarden__subcmd__silence_commands() {
    local commands; commands=(
'add:Make a silence; says first what it hides' \
'list:List silences that are not over' \
'end:End a silence now; what it hid and is still so is told' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden silence commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__add_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__add_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden silence add commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__end_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__end_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden silence end commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__help_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__help_commands() {
    local commands; commands=(
'add:Make a silence; says first what it hides' \
'list:List silences that are not over' \
'end:End a silence now; what it hid and is still so is told' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pulsewarden silence help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__help__subcmd__add_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__help__subcmd__add_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden silence help add commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__help__subcmd__end_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__help__subcmd__end_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden silence help end commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__help__subcmd__help_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden silence help help commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__help__subcmd__list_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden silence help list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__silence__subcmd__list_commands] )) ||
_pulsewarden__subcmd__silence__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden silence list commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__simulate_commands] )) ||
_pulsewarden__subcmd__simulate_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden simulate commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__status_commands] )) ||
_pulsewarden__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden status commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__test_commands] )) ||
_pulsewarden__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden test commands' commands "$@"
}
(( $+functions[_pulsewarden__subcmd__unack_commands] )) ||
_pulsewarden__subcmd__unack_commands() {
    local commands; commands=()
    _describe -t commands 'pulsewarden unack commands' commands "$@"
}

if [ "$funcstack[1]" = "_pulsewarden" ]; then
    _pulsewarden "$@"
else
    compdef _pulsewarden pulsewarden
fi
