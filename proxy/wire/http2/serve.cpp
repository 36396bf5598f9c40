#include "wire/http2/serve.hpp"

#include "wire/connection_list.hpp"
#include "wire/http1/client.hpp"
#include "wire/http2/endpoint.hpp"

namespace larder::wire::http2 {

void serve(Connection& connection) {
    CloseOnReturn closing(connection);
    if (connection.client) connection.list.http1_clients.give_back(std::move(connection.client));
    connection.http2 = std::make_unique<Endpoint>(connection);
    closing.dismiss();
    connection.http2->start();
}

}  // namespace larder::wire::http2
