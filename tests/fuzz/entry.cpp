#include "fuzz/fuzz.hpp"

// What libFuzzer calls. LARDER_FUZZ_TARGET is the target of this program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    larder::fuzz::LARDER_FUZZ_TARGET(std::string_view(reinterpret_cast<const char*>(bytes), size));
    return 0;
}
