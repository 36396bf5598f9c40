#pragma once
#include <string>
#include <vector>

#include "http/message.hpp"
#include "route/explain.hpp"
#include "settings/settings.hpp"

namespace larder::flow {

/// What larder does with such a request, step by step, a sentence or two for each: for people, from
/// the configuration alone.
[[nodiscard]] std::vector<std::string> explain_steps(const route::Explanation& explanation,
                                                     const http::RequestHead& request,
                                                     const settings::Settings& settings);

}  // namespace larder::flow
