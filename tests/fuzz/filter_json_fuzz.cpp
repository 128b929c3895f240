// libFuzzer target: any bytes as the filter of a client's request. Seeds: corpus/filter_json.
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::filter_json_parse({data, size});
  return 0;
}
