#include "realnet/cli/argv.h"

#include <algorithm>

namespace np2p::real {

namespace {

// "-abc=value" with known letters only; the value goes to the last letter.
bool rewrite(const std::string& argument, const std::vector<ShortFlag>& flags, std::vector<std::string>& out) {
  const auto equals = argument.find('=');
  if (argument.size() < 3 || argument[0] != '-' || argument[1] == '-' || equals == std::string::npos || equals < 2) {
    return false;
  }
  std::string_view name;
  for (std::size_t i = 1; i < equals; ++i) {
    const auto flag =
        std::find_if(flags.begin(), flags.end(), [&](const ShortFlag& f) { return f.letter == argument[i]; });
    if (flag == flags.end()) return false;
    name = flag->name;
  }
  for (std::size_t i = 1; i + 1 < equals; ++i) out.push_back({'-', argument[i]});
  out.push_back("--" + std::string(name) + argument.substr(equals));
  return true;
}

}  // namespace

std::vector<std::string> normalise_argv(const std::vector<std::string>& arguments,
                                        const std::vector<ShortFlag>& short_flags) {
  std::vector<std::string> out;
  bool untouched = false;
  for (const auto& argument : arguments) {
    untouched = untouched || argument == "--";
    if (untouched || !rewrite(argument, short_flags, out)) out.push_back(argument);
  }
  return out;
}

}  // namespace np2p::real
