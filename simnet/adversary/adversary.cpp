#include "simnet/adversary/adversary.h"

#include <array>
#include <utility>

#include "simnet/adversary/kinds.h"

namespace np2p::sim {
namespace {

constexpr std::array<std::pair<Behaviour, std::string_view>, 21> kNames{{
    {Behaviour::honest, "honest"},
    {Behaviour::forging_directory, "forging_directory"},
    {Behaviour::conspiring_directory, "conspiring_directory"},
    {Behaviour::stale_directory, "stale_directory"},
    {Behaviour::empty_directory, "empty_directory"},
    {Behaviour::silent_directory, "silent_directory"},
    {Behaviour::lying_directory, "lying_directory"},
    {Behaviour::swallowing_hop, "swallowing_hop"},
    {Behaviour::dropping_relay, "dropping_relay"},
    {Behaviour::withholding_head, "withholding_head"},
    {Behaviour::eclipsing, "eclipsing"},
    {Behaviour::forging_guardian, "forging_guardian"},
    {Behaviour::withholding_guardian, "withholding_guardian"},
    {Behaviour::forgetful_guardian, "forgetful_guardian"},
    {Behaviour::lying_guardian, "lying_guardian"},
    {Behaviour::silent_follower, "silent_follower"},
    {Behaviour::flooding_follower, "flooding_follower"},
    {Behaviour::naming_follower, "naming_follower"},
    {Behaviour::replaying_carrier, "replaying_carrier"},
    {Behaviour::forking_author, "forking_author"},
    {Behaviour::lying_disk, "lying_disk"},
}};

}  // namespace

std::string_view name(Behaviour behaviour) noexcept {
  for (const auto& [one, word] : kNames) {
    if (one == behaviour) return word;
  }
  return {};
}

std::optional<Behaviour> behaviour_of(std::string_view name) noexcept {
  for (const auto& [one, word] : kNames) {
    if (word == name) return one;
  }
  return std::nullopt;
}

std::unique_ptr<Adversary> make_adversary(Behaviour behaviour, Adversary::Means means) {
  switch (behaviour) {
    case Behaviour::honest:
    case Behaviour::lying_disk:
      return nullptr;
    case Behaviour::swallowing_hop:
    case Behaviour::dropping_relay:
    case Behaviour::withholding_head:
      return std::make_unique<BadCarrier>(behaviour, std::move(means));
    case Behaviour::eclipsing:
      return std::make_unique<Eclipser>(std::move(means));
    case Behaviour::lying_guardian: {
      constexpr std::array kManners{Behaviour::forging_guardian, Behaviour::withholding_guardian,
                                    Behaviour::forgetful_guardian};
      const Behaviour manner = kManners[static_cast<std::size_t>(means.rng.below(kManners.size()))];
      return std::make_unique<LyingGuardian>(manner, std::move(means));
    }
    case Behaviour::forging_guardian:
    case Behaviour::withholding_guardian:
    case Behaviour::forgetful_guardian:
      return std::make_unique<LyingGuardian>(behaviour, std::move(means));
    case Behaviour::silent_follower:
      return std::make_unique<SilentFollower>(std::move(means));
    case Behaviour::flooding_follower:
      return std::make_unique<FloodingFollower>(std::move(means));
    case Behaviour::naming_follower:
      return std::make_unique<NamingFollower>(std::move(means));
    case Behaviour::replaying_carrier:
      return std::make_unique<ReplayingCarrier>(std::move(means));
    case Behaviour::forking_author:
      return std::make_unique<ForkingAuthor>(std::move(means));
    case Behaviour::lying_directory: {
      constexpr std::array kManners{Behaviour::forging_directory, Behaviour::stale_directory,
                                    Behaviour::empty_directory, Behaviour::silent_directory};
      const Behaviour manner = kManners[static_cast<std::size_t>(means.rng.below(kManners.size()))];
      return std::make_unique<LyingDirectory>(manner, std::move(means));
    }
    case Behaviour::forging_directory:
    case Behaviour::conspiring_directory:
    case Behaviour::stale_directory:
    case Behaviour::empty_directory:
    case Behaviour::silent_directory:
      return std::make_unique<LyingDirectory>(behaviour, std::move(means));
  }
  return nullptr;
}

}  // namespace np2p::sim
