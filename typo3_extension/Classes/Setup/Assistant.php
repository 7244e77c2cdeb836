<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

use Mieterportal\Typo3\Admin\AdminClient;
use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Admin\Http;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Admin\Trouble;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\SessionSigner;

/**
 * Tests every step of the set-up against the real portal and the real page; nothing is changed by it.
 */
final readonly class Assistant
{
    /** The oldest portal that this extension works with. */
    public const OLDEST_PORTAL = '0.1.0';
    /** The portal allows tokens this much difference, in seconds. */
    private const LEEWAY = 30;

    /**
     * @param ?\Closure(): int $clock Unix seconds
     */
    public function __construct(
        private Http $http,
        private Claims $asking,
        private ?\Closure $clock = null,
    ) {}

    /**
     * @return list<Finding> one for each step
     */
    public function examine(SiteFacts $facts): array
    {
        $found = [$this->settings($facts), $this->key($facts), ...$this->portal($facts), ...(new PageCheck($this->http))->examine($facts)];
        $order = array_flip(array_map(static fn(Step $step): string => $step->value, Step::cases()));
        usort($found, static fn(Finding $one, Finding $other): int => $order[$one->step->value] <=> $order[$other->step->value]);

        return $found;
    }

    private function settings(SiteFacts $facts): Finding
    {
        if ($facts->settings === null) {
            return Finding::bad(Step::Settings, 'incomplete', $facts->settingsProblem);
        }

        return Finding::good(Step::Settings, $facts->settings->url, $facts->settings->connection);
    }

    private function key(SiteFacts $facts): Finding
    {
        if ($facts->keys === null) {
            return $facts->keyProblem === ''
                ? Finding::later(Step::Key)
                : Finding::bad(Step::Key, $facts->keyProblem, $facts->keyVariable);
        }
        $ids = $facts->keys->ids();

        return count($ids) > 1 ? Finding::warning(Step::Key, 'rotating', ...$ids) : Finding::good(Step::Key, ...$ids);
    }

    /**
     * @return list<Finding>
     */
    private function portal(SiteFacts $facts): array
    {
        $settings = $facts->settings;
        $after = [Step::Clock, Step::Audience, Step::Access, Step::Version, Step::Connection, Step::Origin, Step::Delivery];
        if ($settings === null) {
            return array_map(Finding::later(...), [Step::Reachable, ...$after]);
        }
        try {
            $url = $settings->reachedAt() . $settings->signOnPath();
            $door = $this->http->send('GET', $url, ['Accept' => 'text/html'], $settings->timeout);
        } catch (NoAnswer $none) {
            return [Finding::bad(Step::Reachable, $none->trouble->value, $none->detail), ...array_map(Finding::later(...), $after)];
        }
        $reachable = $this->reachable($facts, $door);
        if ($reachable->state === State::Bad) {
            return [$reachable, ...array_map(Finding::later(...), $after)];
        }
        $before = [$reachable, $this->clock($door), $this->audience($facts, $door), $this->origin($facts, $door)];

        return [...$before, ...$this->inside($facts, $before)];
    }

    private function reachable(SiteFacts $facts, Answer $door): Finding
    {
        $address = $facts->settings?->reachedAt() ?? '';
        $ours = $door->header('X-Request-ID') !== '' && $door->header('Portal-Address') !== '';

        return match (true) {
            $door->status >= 300 && $door->status < 400 => Finding::bad(Step::Reachable, 'redirect', $door->header('Location')),
            $door->status >= 500 => Finding::bad(Step::Reachable, 'unavailable', $door->status),
            $door->status === 404 && $door->header('X-Request-ID') !== '' => Finding::bad(
                Step::Reachable,
                'unknown',
                $facts->settings?->connection ?? '',
                $address,
            ),
            $door->status !== 200 || !$ours => Finding::bad(Step::Reachable, 'foreign', $address, $door->status),
            default => Finding::good(Step::Reachable, $address),
        };
    }

    private function clock(Answer $door): Finding
    {
        $ahead = $door->clockAhead($this->clock === null ? time() : ($this->clock)());
        if ($ahead === null) {
            return Finding::warning(Step::Clock, 'untold');
        }

        return match (true) {
            abs($ahead) >= self::LEEWAY => Finding::bad(Step::Clock, $ahead > 0 ? 'slow' : 'fast', abs($ahead)),
            abs($ahead) > self::LEEWAY / 3 => Finding::warning(Step::Clock, 'drifting', abs($ahead)),
            default => Finding::good(Step::Clock, abs($ahead)),
        };
    }

    private function audience(SiteFacts $facts, Answer $door): Finding
    {
        $theirs = $door->header('Portal-Address');
        $ours = $facts->settings?->url ?? '';

        return $theirs === $ours ? Finding::good(Step::Audience, $ours) : Finding::bad(Step::Audience, 'differs', $theirs, $ours);
    }

    /**
     * The portal names the origins of a connection as those that may frame its page.
     */
    private function origin(SiteFacts $facts, Answer $door): Finding
    {
        $known = ContentSecurity::sources($door->header('Content-Security-Policy'), 'frame-ancestors');
        $missing = array_values(array_diff($facts->origins, $known));
        if ($missing !== []) {
            return Finding::bad(Step::Origin, 'missing', implode(', ', $missing), implode(', ', $known));
        }
        if ($facts->backendOrigin !== '' && !in_array($facts->backendOrigin, $known, true)) {
            return Finding::warning(Step::Origin, 'backend', $facts->backendOrigin);
        }

        return Finding::good(Step::Origin, implode(', ', $facts->origins));
    }

    /**
     * What only somebody with the key is told.
     *
     * @param list<Finding> $before
     * @return list<Finding>
     */
    private function inside(SiteFacts $facts, array $before): array
    {
        $after = [Step::Version, Step::Connection, Step::Delivery];
        if ($facts->settings === null || $facts->keys === null) {
            return array_map(Finding::later(...), [Step::Access, ...$after]);
        }
        try {
            [$said, $newest] = $this->version($facts);
        } catch (NoAnswer $none) {
            return [$this->refused($none, $before), ...array_map(Finding::later(...), $after)];
        }
        $access = $newest
            ? Finding::good(Step::Access, $facts->settings->connection)
            : Finding::bad(Step::Access, 'previous', $facts->keys->ids()[0]);

        return [$access, ...$this->told($said)];
    }

    /**
     * @return array{array<string, mixed>, bool} what the portal says, and whether it knows the newest key
     */
    private function version(SiteFacts $facts): array
    {
        $keys = $facts->keys?->newestFirst() ?? [];
        $refused = new NoAnswer(Trouble::Key);
        foreach ($keys as $number => $key) {
            try {
                return [$this->client($facts, $key)->version(), $number === 0];
            } catch (NoAnswer $none) {
                if ($none->trouble !== Trouble::Refused) {
                    throw $none;
                }
                $refused = $none;
            }
        }
        throw $refused;
    }

    private function client(SiteFacts $facts, #[\SensitiveParameter] string $key): AdminClient
    {
        $settings = $facts->settings ?? throw new NoAnswer(Trouble::Settings);
        $signer = new SessionSigner($settings->connection, $settings->url, new KeyRing([$key]), $this->clock);

        return new AdminClient($this->http, $settings, $signer, $this->asking);
    }

    /**
     * The portal refuses without saying why; if clock and address were found wrong, those are why.
     *
     * @param list<Finding> $before
     */
    private function refused(NoAnswer $none, array $before): Finding
    {
        if ($none->trouble !== Trouble::Refused) {
            return Finding::bad(Step::Access, $none->trouble->value, $none->detail);
        }
        foreach ($before as $finding) {
            if (in_array($finding->step, [Step::Clock, Step::Audience], true) && $finding->state === State::Bad) {
                return Finding::later(Step::Access);
            }
        }

        return Finding::bad(Step::Access, 'refused');
    }

    /**
     * @param array<string, mixed> $said
     * @return list<Finding>
     */
    private function told(array $said): array
    {
        $version = is_string($said['version'] ?? null) ? $said['version'] : '';
        $connection = is_array($said['connection'] ?? null) ? $said['connection'] : [];
        $kind = is_string($connection['kind'] ?? null) ? $connection['kind'] : '';

        return [
            $version !== '' && version_compare($version, self::OLDEST_PORTAL, '>=')
                ? Finding::good(Step::Version, $version)
                : Finding::bad(Step::Version, 'old', $version, self::OLDEST_PORTAL),
            $kind === 'typo3' ? Finding::good(Step::Connection) : Finding::warning(Step::Connection, 'kind', $kind),
            ($said['immotion'] ?? false) === true ? Finding::good(Step::Delivery) : Finding::warning(Step::Delivery, 'none'),
        ];
    }
}
