// The commands themselves. Each returns the exit status of the process.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "realnet/cli/command_line.h"

namespace np2p::real {

inline constexpr int kExitFailure = 1;  // the environment, or a damaged file
inline constexpr int kExitMistake = 2;  // wrong arguments

// Says why on stderr, in one line. The exit status: a mistake, if the arguments were wrong (bad_field).
int fail(const Error& why);

int run_bind(const BindFlags& flags);
int run_genkey(const GenkeyFlags& flags);
int run_status(const StatusFlags& flags);
int run_server(const ServerFlags& flags);
int run_import(const ImportFlags& flags);
int run_export(const ExportFlags& flags);
int run_backup(const BackupFlags& flags);
int run_restore(const RestoreFlags& flags);
int run_delete(const DeleteFlags& flags);
int run_ban(const BanFlags& flags);
int run_post(const PostFlags& flags);
int run_timeline(const TimelineFlags& flags);
int run_follow(const FollowFlags& flags);
int run(const std::vector<std::string>& arguments);  // without the program's name

}  // namespace np2p::real
