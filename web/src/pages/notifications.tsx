// What names the user.
import { useEffect, useRef } from "preact/hooks";
import type { Notice, Reason } from "../state/inbox";
import { markRead } from "../state/inbox";
import { inbox, me, nowSeconds, readMark, setReadMark } from "../state/app";
import { signingIn } from "../state/actions";
import { Icon, type IconName } from "../ui/icons";
import { Embedded, Note } from "../ui/note";
import { Avatar, Empty, FollowButton, Header, Name, Time } from "../ui/parts";

const most = 100;
const words: Record<Reason, { icon: IconName; text: string; tone: string }> = {
  reply: { icon: "reply", text: "replied to you", tone: "reply" },
  mention: { icon: "person", text: "mentioned you", tone: "reply" },
  quote: { icon: "quote", text: "quoted you", tone: "reply" },
  repost: { icon: "repost", text: "reposted your note", tone: "repost" },
  reaction: { icon: "heart", text: "liked your note", tone: "like" },
  follow: { icon: "person", text: "follows you", tone: "reply" },
};

function who(notice: Notice) {
  const people = [...new Set(notice.events.map((event) => event.pubkey))];
  const others = people.length - 2;
  return { people, others };
}

function Item({ notice, fresh }: { notice: Notice; fresh: boolean }) {
  const { icon, text, tone } = words[notice.reason];
  const { people, others } = who(notice);
  const newest = notice.events[0]!;
  const withNote = notice.reason === "reply" || notice.reason === "mention" || notice.reason === "quote";
  const reaction = newest.content;
  const emoji = notice.reason === "reaction" && reaction !== "+" && reaction !== "-" && [...reaction].length <= 4 && reaction;
  return (
    <li class={`notice ${tone}${fresh ? " unread" : ""}`}>
      <div class="notice-head">
        <span class="notice-icon">{emoji || <Icon name={icon} size={22} filled={icon === "heart"} />}</span>
        {!withNote && (
          <div class="faces">
            {people.slice(0, 5).map((pubkey) => (
              <Avatar key={pubkey} pubkey={pubkey} size={32} />
            ))}
          </div>
        )}
        <p class="grow">
          <Name pubkey={people[0]!} />
          {people.length > 1 && (
            <>
              {people.length > 2 ? ", " : " and "}
              <Name pubkey={people[1]!} />
            </>
          )}
          {others > 0 && ` and ${others} more`} {text}
          {" · "}
          <Time at={newest.created_at} />
          {fresh && <span class="hidden"> (new)</span>}
        </p>
        {notice.reason === "follow" && <FollowButton pubkey={people[0]!} />}
      </div>
      {notice.target && <Embedded id={notice.target} />}
      {withNote && <Note event={newest} context={false} />}
    </li>
  );
}

export function Notifications() {
  const list = inbox.value.slice(0, most);
  // What was unread when the page opened stays marked while one looks at it.
  const fresh = useRef(new Set<string>());
  for (const notice of list) if (notice.unread) fresh.current.add(notice.key);
  useEffect(() => {
    if (!list.some((notice) => notice.unread) || document.hidden) return;
    const timer = setTimeout(() => setReadMark(markRead(readMark.value, inbox.value, nowSeconds())), 1500);
    return () => clearTimeout(timer);
  });
  return (
    <>
      <Header title="Notifications" />
      {!me.value ? (
        <Empty icon="bell" title="Sign in to see what names you">
          <button type="button" class="button" onClick={() => (signingIn.value = true)}>
            Sign in
          </button>
        </Empty>
      ) : list.length ? (
        <ul class="notices">
          {list.map((notice) => (
            <Item key={notice.key} notice={notice} fresh={fresh.current.has(notice.key)} />
          ))}
        </ul>
      ) : (
        <Empty icon="bell" title="Nothing yet">Replies, mentions, reposts and reactions come here.</Empty>
      )}
    </>
  );
}
