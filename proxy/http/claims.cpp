#include "http/claims.hpp"

namespace larder::http {
namespace {

constexpr KnownClaim known[] = {
    {"forwarded", Claim::address, "RFC 7239"},
    {"x-forwarded-for", Claim::address, "nearly all"},
    {"x-forwarded-client-ip", Claim::address, "Azure, Java filters"},
    {"x-forwarded-for-original", Claim::address, "several proxies"},
    {"x-forwarded-ip", Claim::address, "Java filters"},
    {"x-real-ip", Claim::address, "nginx, Gin, Express behind nginx"},
    {"x-client-ip", Claim::address, "Apache mod_remoteip, Azure"},
    {"client-ip", Claim::address, "Rails (ActionDispatch::RemoteIp), CodeIgniter"},
    {"x-cluster-client-ip", Claim::address, "Rackspace, Zeus, Riverbed"},
    {"cluster-client-ip", Claim::address, "Kohana, Java filters"},
    {"true-client-ip", Claim::address, "Akamai, Cloudflare, Chi"},
    {"cf-connecting-ip", Claim::address, "Cloudflare"},
    {"cf-connecting-ipv6", Claim::address, "Cloudflare"},
    {"cf-pseudo-ipv4", Claim::address, "Cloudflare"},
    {"fastly-client-ip", Claim::address, "Fastly, Firebase"},
    {"fly-client-ip", Claim::address, "Fly.io"},
    {"x-appengine-user-ip", Claim::address, "App Engine"},
    {"x-appengine-remote-addr", Claim::address, "App Engine"},
    {"appengine-user-ip", Claim::address, "request-ip"},
    {"x-azure-clientip", Claim::address, "Azure Front Door"},
    {"x-azure-socketip", Claim::address, "Azure Front Door"},
    {"x-ms-forwarded-client-ip", Claim::address, "AD FS"},
    {"x-nf-client-connection-ip", Claim::address, "Netlify"},
    {"do-connecting-ip", Claim::address, "DigitalOcean"},
    {"x-vercel-forwarded-for", Claim::address, "Vercel"},
    {"x-vercel-proxied-for", Claim::address, "Vercel"},
    {"cloudfront-viewer-address", Claim::address, "CloudFront"},
    {"x-envoy-external-address", Claim::address, "Envoy"},
    {"x-original-forwarded-for", Claim::address, "ingress-nginx"},
    {"x-original-for", Claim::address, "ASP.NET Core"},
    {"x-originating-ip", Claim::address, "mail gateways, Java filters"},
    {"x-remote-ip", Claim::address, "Tornado, Java filters"},
    {"x-remote-addr", Claim::address, "Java filters, PHP"},
    {"remote-addr", Claim::address, "CGI"},
    {"x-proxyuser-ip", Claim::address, "Google services"},
    {"x-sucuri-clientip", Claim::address, "Sucuri"},
    {"incap-client-ip", Claim::address, "Imperva"},
    {"ali-cdn-real-ip", Claim::address, "Alibaba Cloud"},
    {"cdn-src-ip", Claim::address, "ChinaCache"},
    {"x-forward-for", Claim::address, "misspelt, but read"},
    {"x-forwarded", Claim::address, "request-ip"},
    {"forwarded-for", Claim::address, "request-ip, PHP"},
    {"forwarded-for-ip", Claim::address, "PHP"},
    {"x-coming-from", Claim::address, "PHP"},
    {"coming-from", Claim::address, "PHP"},
    {"http-client-ip", Claim::address, "Java filters"},
    {"http-x-forwarded-for", Claim::address, "Java filters"},
    {"http-x-forwarded", Claim::address, "Java filters"},
    {"http-forwarded-for", Claim::address, "Java filters"},
    {"http-forwarded", Claim::address, "Java filters"},
    {"proxy-client-ip", Claim::address, "WebLogic"},
    {"wl-proxy-client-ip", Claim::address, "WebLogic"},
    {"x-source-ip", Claim::address, "Java filters"},
    {"x-forwarded-proto", Claim::scheme, "nearly all"},
    {"x-forwarded-scheme", Claim::scheme, "Rack, ingress-nginx"},
    {"x-forwarded-ssl", Claim::scheme, "Rack, Django, GitLab"},
    {"x-forwarded-protocol", Claim::scheme, "Django, Gunicorn"},
    {"x-forwarded-https", Claim::scheme, "PHP"},
    {"x-scheme", Claim::scheme, "Rack, Flask, ingress-nginx"},
    {"x-url-scheme", Claim::scheme, "Rack, Azure, Flask"},
    {"x-proto", Claim::scheme, "PHP"},
    {"x-https", Claim::scheme, "PHP"},
    {"https", Claim::scheme, "PHP (HTTP_HTTPS)"},
    {"front-end-https", Claim::scheme, "Microsoft, PHP"},
    {"x-arr-ssl", Claim::scheme, "IIS"},
    {"x-appservice-proto", Claim::scheme, "Azure App Service"},
    {"x-appengine-https", Claim::scheme, "App Engine"},
    {"cloudfront-forwarded-proto", Claim::scheme, "CloudFront, WordPress"},
    {"cf-visitor", Claim::scheme, "Cloudflare"},
    {"fastly-ssl", Claim::scheme, "Fastly, Magento"},
    {"fly-forwarded-proto", Claim::scheme, "Fly.io"},
    {"fly-forwarded-ssl", Claim::scheme, "Fly.io"},
    {"x-vercel-forwarded-proto", Claim::scheme, "Vercel"},
    {"x-original-proto", Claim::scheme, "ASP.NET Core"},
    {"x-client-scheme", Claim::scheme, "nginx recipes"},
    {"wl-proxy-ssl", Claim::scheme, "WebLogic"},
    {"x-forwarded-host", Claim::host, "nearly all"},
    {"x-host", Claim::host, "PHP, Symfony recipes"},
    {"x-real-host", Claim::host, "nginx recipes"},
    {"x-http-host-override", Claim::host, "PHP, Java"},
    {"x-forward-host", Claim::host, "misspelt, but read"},
    {"x-original-host", Claim::host, "ASP.NET Core, Azure Application Gateway"},
    {"x-envoy-original-host", Claim::host, "Envoy"},
    {"x-vercel-forwarded-host", Claim::host, "Vercel"},
    {"disguised-host", Claim::host, "IIS (ARR), Azure App Service"},
    {"was-default-hostname", Claim::host, "Azure App Service"},
    {"x-forwarded-port", Claim::port, "Rack, Spring, Symfony, Django"},
    {"fly-forwarded-port", Claim::port, "Fly.io"},
    {"x-forwarded-server", Claim::proxy, "Apache mod_proxy, Traefik"},
    {"x-forwarded-by", Claim::proxy, "Tomcat"},
    {"x-forwarded-tlsversion", Claim::proxy, "Azure App Service"},
    {"x-original-url", Claim::path, "IIS, Symfony, ASP.NET, Azure App Service"},
    {"x-rewrite-url", Claim::path, "IIS, Symfony, Zend"},
    {"x-override-url", Claim::path, "Symfony"},
    {"x-original-uri", Claim::path, "ingress-nginx"},
    {"x-original-path", Claim::path, "Gateways"},
    {"x-original-prefix", Claim::path, "ASP.NET Core"},
    {"x-original-query", Claim::path, "Gateways"},
    {"x-rewrite-path", Claim::path, "nginx recipes"},
    {"x-rewrite-uri", Claim::path, "nginx recipes"},
    {"x-real-url", Claim::path, "nginx recipes"},
    {"x-real-uri", Claim::path, "nginx recipes"},
    {"x-request-uri", Claim::path, "nginx recipes"},
    {"x-request-url", Claim::path, "nginx recipes"},
    {"x-envoy-original-path", Claim::path, "Envoy, Istio"},
    {"x-envoy-original-url", Claim::path, "Envoy"},
    {"x-waws-unencoded-url", Claim::path, "Azure App Service"},
    {"x-forwarded-prefix", Claim::path, "Spring, Werkzeug ProxyFix, Symfony, ASP.NET Core"},
    {"x-forwarded-path", Claim::path, "Gateways"},
    {"x-forwarded-pathbase", Claim::path, "ASP.NET"},
    {"x-forwarded-uri", Claim::path, "Traefik, oauth2-proxy"},
    {"x-forwarded-url", Claim::path, "Gateways"},
    {"x-forwarded-context", Claim::path, "Spring Cloud, WSO2"},
    {"x-script-name", Claim::path, "Flask recipes, Radicale"},
    {"script-name", Claim::path, "CGI"},
    {"x-vhm-root", Claim::path, "Pyramid"},
    {"path-info", Claim::path, "CGI"},
    {"x-ingress-path", Claim::path, "Home Assistant"},
    {"x-middleware-subrequest", Claim::path, "Next.js"},
    {"x-middleware-rewrite", Claim::path, "Next.js"},
    {"x-middleware-next", Claim::path, "Next.js"},
    {"x-matched-path", Claim::path, "Next.js, Vercel"},
    {"x-invoke-path", Claim::path, "Next.js"},
    {"x-invoke-query", Claim::path, "Next.js"},
    {"x-invoke-status", Claim::path, "Next.js"},
    {"x-invoke-output", Claim::path, "Next.js"},
    {"x-invoke-error", Claim::path, "Next.js"},
    {"x-now-route-matches", Claim::path, "Next.js, Vercel"},
    {"x-http-destinationurl", Claim::path, "Azure"},
    {"x-http-method-override", Claim::method, "Rack, Symfony, Laravel, Spring, ASP.NET"},
    {"x-http-method", Claim::method, "Microsoft OData"},
    {"x-method-override", Claim::method, "IBM, Express method-override"},
    {"x-method", Claim::method, "PHP"},
    {"x-original-method", Claim::method, "ingress-nginx"},
    {"x-forwarded-method", Claim::method, "Traefik, oauth2-proxy"},
    {"x-forwarded-user", Claim::identity, "oauth2-proxy, OpenShift"},
    {"x-forwarded-email", Claim::identity, "oauth2-proxy"},
    {"x-forwarded-groups", Claim::identity, "oauth2-proxy"},
    {"x-forwarded-preferred-username", Claim::identity, "oauth2-proxy"},
    {"x-forwarded-access-token", Claim::identity, "oauth2-proxy"},
    {"x-forwarded-client-cert", Claim::identity, "Envoy"},
    {"x-forwarded-tls-client-cert", Claim::identity, "Traefik"},
    {"x-forwarded-tls-client-cert-info", Claim::identity, "Traefik"},
    {"remote-user", Claim::identity, "Authelia, Django, CGI"},
    {"remote-groups", Claim::identity, "Authelia"},
    {"remote-name", Claim::identity, "Authelia"},
    {"remote-email", Claim::identity, "Authelia"},
    {"x-remote-user", Claim::identity, "Kubernetes, Jenkins"},
    {"x-remote-group", Claim::identity, "Kubernetes"},
    {"x-remote-uid", Claim::identity, "Kubernetes"},
    {"x-auth-request-user", Claim::identity, "oauth2-proxy"},
    {"x-auth-request-email", Claim::identity, "oauth2-proxy"},
    {"x-auth-request-groups", Claim::identity, "oauth2-proxy"},
    {"x-auth-request-preferred-username", Claim::identity, "oauth2-proxy"},
    {"x-auth-request-access-token", Claim::identity, "oauth2-proxy"},
    {"x-webauth-user", Claim::identity, "Grafana, Gitea"},
    {"x-webauth-email", Claim::identity, "Gitea"},
    {"x-authentik-username", Claim::identity, "authentik"},
    {"x-authentik-email", Claim::identity, "authentik"},
    {"x-authentik-groups", Claim::identity, "authentik"},
    {"x-authenticated-userid", Claim::identity, "Kong"},
    {"x-consumer-id", Claim::identity, "Kong"},
    {"x-consumer-username", Claim::identity, "Kong"},
    {"x-credential-identifier", Claim::identity, "Kong"},
    {"x-ms-client-principal", Claim::identity, "Azure App Service"},
    {"x-ms-client-principal-id", Claim::identity, "Azure App Service"},
    {"x-ms-client-principal-name", Claim::identity, "Azure App Service"},
    {"x-goog-iap-jwt-assertion", Claim::identity, "Google IAP"},
    {"x-goog-authenticated-user-email", Claim::identity, "Google IAP"},
    {"x-goog-authenticated-user-id", Claim::identity, "Google IAP"},
    {"x-appengine-user-email", Claim::identity, "App Engine"},
    {"x-appengine-user-id", Claim::identity, "App Engine"},
    {"cf-access-jwt-assertion", Claim::identity, "Cloudflare Access"},
    {"cf-access-authenticated-user-email", Claim::identity, "Cloudflare Access"},
    {"x-amzn-oidc-data", Claim::identity, "AWS ALB"},
    {"x-amzn-oidc-identity", Claim::identity, "AWS ALB"},
    {"x-amzn-oidc-accesstoken", Claim::identity, "AWS ALB"},
    {"x-amzn-mtls-clientcert", Claim::identity, "AWS ALB"},
    {"tailscale-user-login", Claim::identity, "Tailscale"},
    {"ms-aspnetcore-token", Claim::identity, "ASP.NET Core (IIS)"},
    {"ms-aspnetcore-clientcert", Claim::identity, "ASP.NET Core (IIS)"},
    {"ms-aspnetcore-winauthtoken", Claim::identity, "ASP.NET Core (IIS)"},
    {"x-arr-clientcert", Claim::identity, "IIS, Azure App Service"},
    {"x-client-cert", Claim::identity, "nginx recipes"},
    {"client-cert", Claim::identity, "RFC 9440"},
    {"client-cert-chain", Claim::identity, "RFC 9440"},
    {"ssl-client-cert", Claim::identity, "nginx, Apache, Keycloak"},
    {"ssl-client-verify", Claim::identity, "nginx, Apache"},
    {"ssl-client-s-dn", Claim::identity, "Apache"},
    {"x-ssl-client-cert", Claim::identity, "HAProxy, nginx"},
    {"x-ssl-client-verify", Claim::identity, "HAProxy, nginx"},
    {"x-ssl-client-dn", Claim::identity, "HAProxy, nginx"},
    {"x-ssl-client-s-dn", Claim::identity, "nginx"},
};

constexpr std::size_t known_count = std::size(known);
constexpr std::size_t name_bytes_max = 40;
constexpr std::string_view family = "x-forwarded-";

constexpr char plain(char c) { return c == '_' ? '-' : to_lower(c); }

constexpr std::size_t table_size = 1024;

// As in http/fields.cpp: length and three letters distinguish most names.
constexpr std::size_t slot_of(std::string_view name) {
    const auto letter = [name](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(plain(name[i])));
    };
    return (name.size() * 131 + letter(2) * 31 + letter(name.size() / 2) * 7 +
            letter(name.size() - 1) * 193) %
           table_size;
}

/// Hash table of positions in `known`, plus one. 0 is a free slot.
constexpr auto table = [] {
    std::array<std::uint8_t, table_size> out{};
    static_assert(known_count < 255);
    for (std::size_t i = 0; i < known_count; ++i) {
        if (known[i].name.size() < 3 || known[i].name.size() > name_bytes_max)
            throw "a name is too short or too long";
        std::size_t slot = slot_of(known[i].name);
        while (out[slot] != 0) slot = (slot + 1) % table_size;
        out[slot] = static_cast<std::uint8_t>(i + 1);
    }
    return out;
}();

Claim find(std::string_view name) {
    if (name.size() < 3 || name.size() > name_bytes_max)
        return is_x_forwarded(name) ? Claim::unknown : Claim::none;
    for (std::size_t slot = slot_of(name); table[slot] != 0; slot = (slot + 1) % table_size) {
        const KnownClaim& claim = known[table[slot] - 1];
        if (is_same_name(name, claim.name)) return claim.claim;
    }
    return is_x_forwarded(name) ? Claim::unknown : Claim::none;
}

/// The claim of a field that has an id.
Claim claim_of_id(FieldId id) {
    switch (id) {
        case FieldId::forwarded:
        case FieldId::x_forwarded_for:
        case FieldId::x_real_ip:
            return Claim::address;
        case FieldId::x_forwarded_host:
            return Claim::host;
        case FieldId::x_forwarded_port:
            return Claim::port;
        case FieldId::x_forwarded_proto:
            return Claim::scheme;
        case FieldId::x_http_method_override:
            return Claim::method;
        case FieldId::x_original_url:
        case FieldId::x_rewrite_url:
            return Claim::path;
        default:
            return Claim::none;
    }
}

bool needs_trust(Claim claim, const Field& field) {
    switch (claim) {
        case Claim::address:
        case Claim::scheme:
        case Claim::host:
        case Claim::port:
        case Claim::unknown:
            return true;
        default:
            return is_x_forwarded(field.name);
    }
}

bool has_underscores(const Field& field) {
    return field.id == FieldId::other && field.name.find('_') != std::string_view::npos;
}

}  // namespace

std::span<const KnownClaim> known_claims() { return known; }

bool is_x_forwarded(std::string_view name) {
    return name.size() > family.size() && is_same_name(name.substr(0, family.size()), family);
}

constinit const std::array<std::uint64_t, 26> claim_lengths = [] {
    std::array<std::uint64_t, 26> lengths{};
    for (const KnownClaim& claim : known)
        lengths[static_cast<std::size_t>(claim.name.front() - 'a')] |= std::uint64_t{1}
                                                                       << claim.name.size();
    lengths['x' - 'a'] |= ~std::uint64_t{0} << (family.size() + 1);
    return lengths;
}();

Claim claim_of(const Field& field) {
    if (!may_claim(field)) return Claim::none;
    return field.id != FieldId::other ? claim_of_id(field.id) : find(field.name);
}

bool is_dropped(const Field& field, bool peer_trusted) {
    const Claim claim = claim_of(field);
    return claim != Claim::none && needs_trust(claim, field) &&
           (!peer_trusted || has_underscores(field));
}

}  // namespace larder::http
