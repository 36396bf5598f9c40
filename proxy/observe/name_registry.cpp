#include "observe/name_registry.hpp"

namespace larder::observe {

NameRegistry::NameRegistry(std::size_t names_max) : names_max_(names_max) {
    names_.emplace_back("other");
    ids_.emplace("other", other);
}

NameRegistry::Id NameRegistry::intern(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    if (const auto known = ids_.find(name); known != ids_.end()) return known->second;
    if (names_.size() > names_max_) return other;
    const auto id = static_cast<Id>(names_.size());
    names_.emplace_back(name);
    ids_.emplace(name, id);
    return id;
}

std::vector<std::string> NameRegistry::names() const {
    const std::scoped_lock lock(mutex_);
    return names_;
}

}  // namespace larder::observe
