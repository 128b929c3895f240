// Can others dial us, and if not, what does our NAT do? Peers tell, by dialling back the address at which they see us:
//
//   * our listen port: a link that comes in from one of them is the proof that we can be reached. Until then nobody is
//     told an address of ours; when nobody comes in any more, and those who are asked then do not either, it is taken
//     back. A node that starts without any -b is the first of its network and believes the address that it listens on;
//     --external says it outright.
//   * behind a NAT: two neighbours say where they see one and the same fresh port (mapping_probe.h): at one outer port,
//     or each at another. One of them, and a third one that was never dialled from there, dial back what was seen:
//     who comes in tells the filter.
//
// All of that is asked again when our address changes, and now and then. Two peers that we dialled must say that it
// has; what can be dialled is given up only if dialling fails.
#pragma once

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/token_bucket.h"
#include "core/overlay/swarm/mapping_probe.h"
#include "core/wire/meeting.h"

namespace np2p::swarm {

class Reachability {
 public:
  Reachability(const Config& config, Host& host, Links& links, MappingProbes& probes);

  void start();
  void changed(const LinkChange& change);  // a new link: somebody to be asked
  // A link came in from outside; true if it is the answer to a question of ours, which needs no further life.
  bool came_in(const LinkInfo& info);
  void on(Peer& from, const DialBack& message);
  void port_mapped(const Address& outside);               // by the router, to our listen port; unspecified: no longer
  void seen_at(const Peer& by, const Address& observed);  // where we are, as a peer sees it
  bool probed(const MappingProbes::Result& result);       // false: not our probe
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept { return due_; }
  void due(MonoTime now);

  [[nodiscard]] bool reachable() const noexcept { return !links_.listens().is_unspecified(); }
  // Have peers been asked to dial us, here, and is the time for that over?
  [[nodiscard]] bool has_asked() const noexcept { return has_asked_; }
  [[nodiscard]] NatClass nat() const noexcept;
  [[nodiscard]] std::string_view word() const noexcept { return name(nat()); }
  // Ours, as others see it; without a port. Of two the IPv4 one.
  [[nodiscard]] const Address& place() const noexcept { return places_[places_[1].is_unspecified() ? 0 : 1]; }
  // Neighbours that can say where they see us, in different places if possible.
  [[nodiscard]] std::vector<PeerRef> helpers(std::size_t count);
  bool take_news() noexcept { return std::exchange(news_, false); }  // has reachable() changed since the last call?
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(asked_) + heap_bytes(proven_) + heap_bytes(dissent_);
  }

 private:
  enum class Stage : std::uint8_t { idle, asked, mapping, filtering };
  [[nodiscard]] bool can_be_asked(const Peer& peer) const noexcept;
  [[nodiscard]] std::uint16_t outer_port() const noexcept { return mapped_ != 0 ? mapped_ : config_.listen.port; }
  void ask();                   // for dial-backs to the listen port
  void decide(MonoTime now);    // the time for answers is over
  void find_out(MonoTime now);  // the class of our NAT
  void choose();                // of the addresses at which peers have dialled us
  void move_to(const Address& here);
  void doubt(const Address& here);
  [[nodiscard]] Address seen_by(const NodeId& peer, bool v4) const noexcept;
  void set_listens(const Address& address);
  [[nodiscard]] bool is_fixed() const noexcept { return fixed_; }

  const Config& config_;
  Host& host_;
  Links& links_;
  MappingProbes& probes_;
  Rng rng_;
  Stage stage_ = Stage::idle;
  bool fixed_ = false;        // said, not found out
  std::uint16_t mapped_ = 0;  // outer port that the router passes on; 0: none
  std::vector<NodeId> asked_;
  std::vector<Address> proven_;  // where those who dialled back see us, one each
  Address known_;                // where we could be dialled before they were asked
  bool has_asked_ = false;
  NatClass nat_;
  std::uint32_t probe_ = 0;
  NodeId same_;                    // dials back from another port
  NodeId third_;                   // was never dialled from there
  std::array<Address, 2> places_;  // ours, without a port, as most see it: IPv6, IPv4
  struct Dissent {                 // who sees us elsewhere, and may be wrong
    NodeId id;
    Address here;
    bool counts = true;  // nobody has confirmed the place since
  };
  std::vector<Dissent> dissent_;  // oldest first
  bool doubted_ = false;          // several see us elsewhere: ask, whoever came in lately
  Address elsewhere_;             // there
  MonoTime doubt_after_;          // not again before
  MonoTime proof_at_;             // when somebody came in last
  std::optional<MonoTime> due_;
  TokenBucket budget_{20, 200};  // dial-backs for others
  bool news_ = false;
};

}  // namespace np2p::swarm
