# fish completion for larder

set -l commands serve check explain purge stats top tail advise schema routes
set -l none "not __fish_seen_subcommand_from $commands"

complete -c larder -f
complete -c larder -s h -l help -d 'Help'
complete -c larder -n $none -l version -d 'Version'
complete -c larder -n $none -a serve -d 'Run the proxy'
complete -c larder -n $none -a check -d 'Validate the configuration'
complete -c larder -n $none -a explain -d 'Say what would happen to a request'
complete -c larder -n $none -a purge -d 'Take entries out'
complete -c larder -n $none -a stats -d 'Show live figures'
complete -c larder -n $none -a top -d 'Show the keys that matter most'
complete -c larder -n $none -a tail -d 'Show requests as they happen'
complete -c larder -n $none -a advise -d 'Say what the traffic tells about the configuration'
complete -c larder -n $none -a schema -d 'Print the JSON Schema of the configuration'
complete -c larder -n $none -a routes -d 'Draft routes from an OpenAPI document'

complete -c larder -n "$none; or __fish_seen_subcommand_from serve check explain" -s c -l config -rF -d 'Configuration file'
complete -c larder -n "$none; or __fish_seen_subcommand_from serve" -l listen -x -d 'Address for clients'
complete -c larder -n "$none; or __fish_seen_subcommand_from serve" -l origin -x -d 'Where requests go'
complete -c larder -n "$none; or __fish_seen_subcommand_from serve" -l redis -x -d 'URL of Redis, or off'
complete -c larder -n "$none; or __fish_seen_subcommand_from serve" -l admin -x -a off -d 'Address for admin, or off'
complete -c larder -n "__fish_seen_subcommand_from purge stats top tail advise" -l admin -x -a http://127.0.0.1:9180 -d 'Admin server'
complete -c larder -n "__fish_seen_subcommand_from check" -l format -x -a 'text json' -d 'Output'
complete -c larder -n "__fish_seen_subcommand_from explain" -s H -x -d 'Request header'
complete -c larder -n "__fish_seen_subcommand_from explain" -s d -x -d 'Body of the request'
complete -c larder -n "__fish_seen_subcommand_from explain" -a 'GET HEAD POST PUT PATCH DELETE QUERY'
complete -c larder -n "__fish_seen_subcommand_from purge" -l tag -d 'Tags follow'
complete -c larder -n "__fish_seen_subcommand_from purge" -l url -d 'URLs follow'
complete -c larder -n "__fish_seen_subcommand_from purge" -l soft -d 'Make stale'
complete -c larder -n "__fish_seen_subcommand_from purge" -l dry-run -d 'Only say what would be purged'
complete -c larder -n "__fish_seen_subcommand_from stats top" -l watch -d 'Anew every second'
complete -c larder -n "__fish_seen_subcommand_from stats" -l ready -d 'Only whether it serves'
complete -c larder -n "__fish_seen_subcommand_from stats tail" -l json -d 'As JSON'
complete -c larder -n "__fish_seen_subcommand_from top" -l by -x -a 'hits misses origin-time bytes' -d 'What counts'
complete -c larder -n "__fish_seen_subcommand_from tail" -a 'route= cache= status= method= client= detail= slower='
complete -c larder -n "__fish_seen_subcommand_from routes" -l openapi -rF -d 'OpenAPI document'
