// Brings the original's spellings of flags (Go's pflag) into the form that our parser reads: `-w=false` becomes
// `--writable=false`, `-l=host:port` becomes `--listen-addr-port=host:port`, `-dw=false` becomes `-d --writable=false`.
// Everything else stays as it is; nothing after `--` is touched.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace np2p::real {

struct ShortFlag {
  char letter;
  std::string_view name;
};

std::vector<std::string> normalise_argv(const std::vector<std::string>& arguments,
                                        const std::vector<ShortFlag>& short_flags);

}  // namespace np2p::real
