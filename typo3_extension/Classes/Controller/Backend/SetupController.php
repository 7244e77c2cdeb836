<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller\Backend;

use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\Http;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\Token;
use Mieterportal\Typo3\Setup\Assistant;
use Mieterportal\Typo3\Setup\Finding;
use Mieterportal\Typo3\Setup\SiteFacts;
use Mieterportal\Typo3\Setup\SiteFactsCollector;
use Mieterportal\Typo3\Setup\State;
use Mieterportal\Typo3\Setup\Step;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Backend\Attribute\AsController;
use TYPO3\CMS\Backend\Template\ModuleTemplate;
use TYPO3\CMS\Core\Http\NormalizedParams;
use TYPO3\CMS\Core\Information\Typo3Version;
use TYPO3\CMS\Core\Site\Entity\Site;

/**
 * The set-up assistant, and the button that makes a key.
 */
#[AsController]
final readonly class SetupController
{
    private const KEY_BYTES = 32;
    private const SET = 'mieterportal/mieterportal';
    private const SETTINGS_ROUTES = [13 => 'site_settings.edit', 14 => 'site_configuration.editSettings'];
    /** For hostings without environment variables; KeySource reads it. */
    private const ADDITIONAL = "\$GLOBALS['TYPO3_CONF_VARS']['EXTENSIONS']['mieterportal']['keys']['%1\$s']['file'] = '/etc/mieterportal/%1\$s.key';";
    private const BADGES = ['good' => 'success', 'warning' => 'warning', 'bad' => 'danger', 'later' => 'secondary'];

    public function __construct(
        private ModuleFrame $frame,
        private SiteFactsCollector $collector,
        private Http $http,
    ) {}

    public function showAction(ServerRequestInterface $request): ResponseInterface
    {
        $view = $this->frame->filled($request, function (ModuleTemplate $view, Site $site) use ($request): void {
            $facts = $this->collector->of($site, self::origin($request));
            $found = (new Assistant($this->http, AdminClientFactory::asking(ModuleFrame::user())))->examine($facts);
            $open = array_filter($found, static fn(Finding $one): bool => $one->state !== State::Good);
            $view->assignMultiple([
                'steps' => array_map(fn(Finding $one): array => $this->shown($one) + $this->link($one, $site), $found),
                'allGood' => $open === [],
                'keyUrl' => $facts->settings === null ? '' : $this->frame->url('mieterportal_setup.key', ['site' => $site->getIdentifier()]),
                'keyIds' => implode(', ', $facts->keys?->ids() ?? []),
            ]);
        });

        return $view->renderResponse('Backend/Setup');
    }

    /**
     * The key is in this one answer and is kept nowhere.
     */
    public function keyAction(ServerRequestInterface $request): ResponseInterface
    {
        $view = $this->frame->filled($request, function (ModuleTemplate $view, Site $site) use ($request): void {
            $facts = $this->collector->of($site, self::origin($request));
            $key = Token::base64url(random_bytes(self::KEY_BYTES));
            $view->assignMultiple([
                'key' => $key,
                'keyId' => KeyRing::id($key),
                'variable' => $facts->keyVariable,
                'connection' => $facts->settings?->connection ?? '',
                'additional' => sprintf(self::ADDITIONAL, $facts->settings?->connection ?? ''),
                'origins' => implode(', ', array_map(static fn(string $one): string => '"' . $one . '"', $facts->origins)),
                'mandant' => self::mandant($facts),
                'renews' => $facts->keys !== null,
                'backUrl' => $this->frame->url('mieterportal_setup', ['site' => $site->getIdentifier()]),
            ]);
        });

        return $view->renderResponse('Backend/Key')->withHeader('Cache-Control', 'no-store');
    }

    /**
     * @return array<string, string>
     */
    private function shown(Finding $finding): array
    {
        $toDo = in_array($finding->state, [State::Warning, State::Bad], true);

        return [
            'step' => $finding->step->value,
            'title' => $this->frame->words('setup.' . $finding->step->value),
            'state' => $this->frame->words('setup.state.' . $finding->state->value),
            'badge' => self::BADGES[$finding->state->value],
            'text' => $this->frame->words($finding->label(), $finding->arguments),
            'remedy' => $toDo ? $this->frame->words($finding->label() . '.remedy', $finding->arguments) : '',
        ];
    }

    /**
     * The way to where the remedy is, for administrators: editors may not change a site.
     *
     * @return array<string, string>
     */
    private function link(Finding $finding, Site $site): array
    {
        $isDone = in_array($finding->state, [State::Good, State::Later], true);
        if ($isDone || !in_array($finding->step, [Step::Settings, Step::Login], true) || !ModuleFrame::user()->isAdmin()) {
            return [];
        }
        $hasSet = in_array(self::SET, $site->getSets(), true);
        $route = $hasSet ? self::SETTINGS_ROUTES[min(14, (new Typo3Version())->getMajorVersion())] : 'site_configuration.edit';

        return [
            'link' => $this->frame->url($route, ['site' => $site->getIdentifier()]),
            'linkText' => $this->frame->words($hasSet ? 'setup.link.settings' : 'setup.link.configuration'),
        ];
    }

    private static function mandant(SiteFacts $facts): string
    {
        return basename((string)parse_url($facts->settings?->url ?? '', PHP_URL_PATH));
    }

    private static function origin(ServerRequestInterface $request): string
    {
        $parameters = $request->getAttribute('normalizedParams');

        return $parameters instanceof NormalizedParams ? $parameters->getRequestHost() : '';
    }
}
