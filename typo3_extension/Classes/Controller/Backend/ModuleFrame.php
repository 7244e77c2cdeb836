<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller\Backend;

use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Log\LoggerInterface;
use TYPO3\CMS\Backend\Module\ModuleInterface;
use TYPO3\CMS\Backend\Routing\UriBuilder;
use TYPO3\CMS\Backend\Template\ModuleTemplate;
use TYPO3\CMS\Backend\Template\ModuleTemplateFactory;
use TYPO3\CMS\Backend\Utility\BackendUtility;
use TYPO3\CMS\Core\Authentication\BackendUserAuthentication;
use TYPO3\CMS\Core\Localization\LanguageServiceFactory;
use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Core\Site\SiteFinder;
use TYPO3\CMS\Core\Type\Bitmask\Permission;

/**
 * What all parts of the module share: which site is looked at, its words, and what to say when the portal is not there.
 */
final readonly class ModuleFrame
{
    private const LABELS = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_module.xlf:';

    public function __construct(
        private ModuleTemplateFactory $moduleTemplateFactory,
        private SiteFinder $siteFinder,
        private UriBuilder $uriBuilder,
        private LanguageServiceFactory $languages,
        private LoggerInterface $logger,
    ) {}

    /**
     * @return array<string, Site> the sites that this person may see, those with a portal first
     */
    public function sites(BackendUserAuthentication $user): array
    {
        $seen = array_filter(
            $this->siteFinder->getAllSites(),
            static fn(Site $site): bool => $user->isAdmin() || self::mayRead($user, $site),
        );
        uasort($seen, static fn(Site $one, Site $other): int => self::hasPortal($other) <=> self::hasPortal($one));

        return $seen;
    }

    public static function hasPortal(Site $site): bool
    {
        $url = $site->getSettings()->get(PortalSettings::PREFIX . 'portalUrl');

        return is_string($url) && $url !== '';
    }

    /**
     * The site that the address names, if this person may see it; else the first.
     */
    public function site(ServerRequestInterface $request): ?Site
    {
        $sites = $this->sites(self::user());
        $wanted = $request->getQueryParams()['site'] ?? '';

        return (is_string($wanted) ? $sites[$wanted] ?? null : null) ?? (array_values($sites)[0] ?? null);
    }

    /**
     * A view of the site that is looked at: with what the portal says of it, or why it says nothing.
     *
     * @param \Closure(ModuleTemplate, Site): void $fill assigns what the template shows; may throw NoAnswer
     */
    public function filled(ServerRequestInterface $request, \Closure $fill): ModuleTemplate
    {
        $site = $this->site($request);
        $view = $this->view($request, $site);
        if ($site !== null) {
            try {
                $fill($view, $site);
            } catch (NoAnswer $none) {
                $view->assign('trouble', $this->trouble($none, $site));
            }
        }

        return $view;
    }

    /**
     * A view with the menu of the module's parts and the choice of the site.
     */
    public function view(ServerRequestInterface $request, ?Site $site): ModuleTemplate
    {
        $module = $request->getAttribute('module');
        $name = $module instanceof ModuleInterface ? $module->getIdentifier() : '';
        $identifier = $site?->getIdentifier() ?? '';
        $view = $this->moduleTemplateFactory->create($request);
        $title = $this->words('module.' . $name . '.title');
        $view->setTitle($title, $identifier);
        $view->makeDocHeaderModuleMenu(['site' => $identifier]);
        $header = $view->getDocHeaderComponent();
        if (method_exists($header, 'setShortcutContext')) {
            $header->setShortcutContext($name, $title . ' ' . $identifier, ['site' => $identifier]);
        }
        $choices = [];
        foreach ($this->sites(self::user()) as $one) {
            $choices[] = [
                'name' => $one->getIdentifier(),
                'url' => $this->url($name, ['site' => $one->getIdentifier()]),
                'current' => $one->getIdentifier() === $identifier,
            ];
        }
        $view->assignMultiple(['siteName' => $identifier, 'siteChoices' => $choices, 'title' => $title]);

        return $view;
    }

    /**
     * @param array<string, string> $parameters
     */
    public function url(string $route, array $parameters = []): string
    {
        return (string)$this->uriBuilder->buildUriFromRoute($route, $parameters);
    }

    /**
     * @param array<array-key, string|int> $arguments
     */
    public function words(string $key, array $arguments = []): string
    {
        $text = $this->languages->createFromUserPreferences(self::user())->sL(self::LABELS . $key);

        return $arguments === [] ? $text : vsprintf($text, array_values($arguments));
    }

    /**
     * What to tell the person when the portal could not be asked; the kind of trouble goes into the log, nothing else.
     *
     * @return array{title: string, text: string}
     */
    public function trouble(NoAnswer $none, ?Site $site): array
    {
        $this->logger->warning($none->getMessage(), ['site' => $site?->getIdentifier() ?? '']);
        $key = 'trouble.' . $none->trouble->value;

        return ['title' => $this->words($key), 'text' => $this->words($key . '.remedy', [$none->detail])];
    }

    /**
     * In which of the portal's two languages for whoever looks after it this person reads.
     */
    public function language(): string
    {
        return AdminClientFactory::language(self::user());
    }

    public static function user(): BackendUserAuthentication
    {
        return $GLOBALS['BE_USER'];
    }

    private static function mayRead(BackendUserAuthentication $user, Site $site): bool
    {
        $page = $site->getRootPageId();

        return $user->isInWebMount($page) !== null
            && BackendUtility::readPageAccess($page, $user->getPagePermsClause(Permission::PAGE_SHOW)) !== false;
    }
}
