// A server's status in plain words. Pure: the same report, the same words.
#pragma once

#include <string>
#include <vector>

#include "realnet/cli/status_report.h"

namespace np2p::real {

std::string comma_list(const std::vector<std::string>& words);
// One sentence: who can dial this server and where; or why nobody can, and how it is reached all the same, if it is.
std::string reach_words(const StatusReport& report);
// All of it, a line for each thing.
std::string status_words(const StatusReport& report);

}  // namespace np2p::real
