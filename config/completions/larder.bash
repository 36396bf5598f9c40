# bash completion for larder

_larder() {
    local cur prev words cword
    _init_completion || return

    local command=serve word
    for word in "${words[@]:1:cword-1}"; do
        case $word in
            serve | check | explain | purge | stats | top | tail | advise | schema | routes)
                command=$word
                break
                ;;
        esac
    done

    case $prev in
        -c | --config | --openapi)
            _filedir '@(yaml|yml|json)'
            return
            ;;
        --format)
            COMPREPLY=($(compgen -W "text json" -- "$cur"))
            return
            ;;
        --by)
            COMPREPLY=($(compgen -W "hits misses origin-time bytes" -- "$cur"))
            return
            ;;
        --admin)
            [ "$command" = serve ] || COMPREPLY=($(compgen -W "http://127.0.0.1:9180" -- "$cur"))
            return
            ;;
        explain)
            COMPREPLY=($(compgen -W "GET HEAD POST PUT PATCH DELETE QUERY" -- "$cur"))
            return
            ;;
    esac

    local options
    case $command in
        serve) options="-c --listen --admin --origin --redis" ;;
        check) options="-c --format --redis" ;;
        explain) options="-c -H -d" ;;
        purge) options="--admin --token --tag --url --soft --dry-run" ;;
        stats) options="--admin --token --watch --json --ready" ;;
        top) options="--admin --token --by --watch" ;;
        tail) options="--admin --token --json route= cache= status= method= client= detail= slower=" ;;
        advise) options="--admin --token" ;;
        schema) options="" ;;
        routes) options="--openapi" ;;
    esac
    [ "$cword" = 1 ] && options+=" serve check explain purge stats top tail advise schema routes --version"
    COMPREPLY=($(compgen -W "$options --help" -- "$cur"))
    [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
} && complete -F _larder larder
