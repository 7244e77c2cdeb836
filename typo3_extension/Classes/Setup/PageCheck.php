<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Admin\Http;
use Mieterportal\Typo3\Admin\NoAnswer;

/**
 * Asks for the page with the portal as a visitor would, and looks at what would keep residents from using it safely.
 */
final readonly class PageCheck
{
    public function __construct(
        private Http $http,
    ) {}

    /**
     * @return list<Finding>
     */
    public function examine(SiteFacts $facts): array
    {
        $login = $facts->login === 'good' ? Finding::good(Step::Login) : $this->login($facts->login);
        if ($facts->pageUrl === '') {
            return [Finding::bad(Step::Page, 'none'), Finding::later(Step::Csp), Finding::later(Step::Cache), $login];
        }
        try {
            $answer = $this->http->send('GET', $facts->pageUrl, ['Accept' => 'text/html'], $facts->settings?->timeout ?? 5.0);
        } catch (NoAnswer) {
            $unseen = Finding::warning(Step::Page, 'unseen', $facts->pageUrl);

            return [$unseen, Finding::later(Step::Csp), Finding::later(Step::Cache), $login];
        }
        $page = $answer->status === 200
            ? Finding::good(Step::Page, $facts->pageTitle, $facts->pageUrl)
            : Finding::warning(Step::Page, 'status', $facts->pageUrl, $answer->status);

        return [$page, $this->csp($facts, $answer), $this->cache($answer), $login];
    }

    private function login(string $problem): Finding
    {
        return in_array($problem, ['none', 'noReturn'], true) ? Finding::warning(Step::Login, $problem) : Finding::bad(Step::Login, $problem);
    }

    private function csp(SiteFacts $facts, Answer $answer): Finding
    {
        $policy = $answer->header('Content-Security-Policy');
        if ($facts->settings === null) {
            return Finding::later(Step::Csp);
        }
        $origin = $facts->settings->origin();
        $blocked = ContentSecurity::blocking($policy, $origin);
        if ($blocked !== []) {
            return Finding::bad(Step::Csp, 'blocked', implode(', ', $blocked), $origin);
        }

        return $policy === '' ? new Finding(Step::Csp, State::Good, 'open') : Finding::good(Step::Csp, $origin);
    }

    private function cache(Answer $answer): Finding
    {
        $said = strtolower($answer->header('Cache-Control'));
        $hit = str_contains(strtolower($answer->header('X-Cache')), 'hit') || (int)$answer->header('Age') > 0;
        $shared = str_contains($said, 'public') || str_contains($said, 's-maxage');

        return match (true) {
            $hit => Finding::bad(Step::Cache, 'hit'),
            $shared && !str_contains($said, 'no-store') => Finding::bad(Step::Cache, 'shared', $said),
            default => Finding::good(Step::Cache),
        };
    }
}
